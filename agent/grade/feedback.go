package grade

import (
	"errors"
	"fmt"

	"github.com/ingot-grading/ingot/wire"
)

// badFormat is the reason for values of the wrong type and ids that match no pattern.
const badFormat = "Feedback file is badly formatted."

// noResult is the reason where the container ended without a result frame.
const noResult = "the grading container ended without a result"

// interpret turns the result of a grader into the job's (PROTOCOL.md 7.3). raw
// is the "result" of the last result frame, nil if there was none; state is
// kept in a result that cannot be read. Nothing of raw is trusted.
func interpret(raw wire.Raw, state string) wire.Result {
	if raw == nil {
		return unreadableResult(state, noResult)
	}
	f, reason := readFeedback(raw)
	if reason != "" {
		return unreadableResult(state, reason)
	}
	res := f.result
	if !f.graded && res.Status == "success" {
		res.Grade = 100
	}
	if f.hasArchive {
		archive, err := decodeArchive(f.archive)
		if err != nil { // the only fault that keeps what the script said
			res.Status, res.Text = "crash", unreadable+err.Error()
			return res
		}
		res.Archive = archive
	}
	return res
}

func unreadableResult(state, reason string) wire.Result {
	return wire.Result{Status: "crash", Text: unreadable + reason, State: state}
}

// feedback is a result map while it is read.
type feedback struct {
	result     wire.Result
	graded     bool
	archive    string
	hasArchive bool
}

// readFeedback reads a result map. A reason says why it cannot be read.
func readFeedback(raw wire.Raw) (f feedback, reason string) {
	f.result.Status = "error"
	if raw.Kind() != wire.KindMap {
		return f, fmt.Sprintf("'%s' object has no attribute 'items'", pythonType(raw))
	}
	err := wire.Limits{}.Walk(raw, func(key, value wire.Raw) error {
		name, ok := key.Text()
		if !ok {
			return errBadFormat
		}
		if reason = f.set(name, value); reason != "" {
			return errBadFormat
		}
		return nil
	})
	if err != nil && reason == "" {
		reason = badFormat
	}
	return f, reason
}

// errBadFormat stops a walk; why is told otherwise.
var errBadFormat = errors.New("badly formatted")

// set takes one entry of a result map.
func (f *feedback) set(key string, v wire.Raw) (reason string) {
	var ok bool
	switch key {
	case "result":
		f.result.Status, ok = v.Text()
	case "text":
		f.result.Text, ok = v.Text()
	case "grade":
		f.result.Grade, ok = v.Float() // floats only: an int, bool or nil is no grade
		f.graded = ok
	case "problems":
		f.result.Problems, ok = v, validMap(v, false)
	case "tests":
		f.result.Tests, ok = v, validMap(v, true)
	case "custom":
		f.result.Custom, ok = v, v.Kind() == wire.KindMap
	case "state":
		f.result.State, ok = v.Text()
	case "stdout":
		f.result.Stdout.Value, ok = v.Text()
	case "stderr":
		f.result.Stderr.Value, ok = v.Text()
	case "archive":
		f.archive, ok = v.Text()
		f.hasArchive = ok
	default:
		return "'" + key + "'"
	}
	if !ok {
		return badFormat
	}
	return ""
}

// validMap reports whether v is a map whose keys are ids and whose values are
// anything but maps. The keys of tests may have stars.
func validMap(v wire.Raw, stars bool) bool {
	if v.Kind() != wire.KindMap {
		return false
	}
	return nil == wire.Limits{}.Walk(v, func(key, value wire.Raw) error {
		if id, ok := key.Text(); !ok || !validID(id, stars) || value.Kind() == wire.KindMap {
			return errBadFormat
		}
		return nil
	})
}

// pythonType is what Python calls the type of v, as its results showed it.
func pythonType(v wire.Raw) string {
	switch v.Kind() {
	case wire.KindText:
		return "str"
	case wire.KindBytes:
		return "bytes"
	case wire.KindArray:
		return "tuple"
	case wire.KindBool:
		return "bool"
	case wire.KindFloat:
		return "float"
	case wire.KindNil:
		return "NoneType"
	default:
		return "int"
	}
}
