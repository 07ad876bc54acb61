package mcq

// Rules names the version of INGInious whose answers are given (PROTOCOL.md 6.5).
type Rules uint8

// The versions that differ.
const (
	RulesHead Rules = iota // the default
	Rules07                // 0.7
	Rules080               // 0.8.0
	Rules081               // 0.8.1 to 0.8.4
	Rules085               // 0.8.5 to 0.8.9
	Rules09                // 0.9
)

// ruleset is what a version does differently.
type ruleset struct {
	keepsState    bool     // a failure keeps the submission's state
	centralMatch  bool     // a match problem obeys "centralize"
	emptyIsHeader bool     // an empty text is translated to the catalogue's header
	languages     []string // of the agent's own messages, beside English
}

// set returns what r stands for. Unknown rules are the newest.
func (r Rules) set() ruleset {
	old := []string{"de", "es", "fr"}
	switch r {
	case Rules07, Rules080:
		return ruleset{emptyIsHeader: true, languages: old}
	case Rules081:
		return ruleset{keepsState: true, emptyIsHeader: true, languages: old}
	case Rules085:
		return ruleset{keepsState: true, centralMatch: true, emptyIsHeader: true, languages: old}
	default:
		return ruleset{keepsState: true, centralMatch: true, languages: []string{"de", "es", "fr", "he", "nb_NO"}}
	}
}
