package wire

// legacySpellings and currentSpellings find a message by its discriminator.
var legacySpellings = map[string]spelling{
	"client_hello":              legacyClientHello,
	"client_new_job":            legacyClientNewJob,
	"client_kill_job":           legacyClientKillJob,
	"client_get_queue":          legacyClientGetQueue,
	"backend_update_containers": legacyBackendUpdateEnvironments,
	"backend_job_started":       legacyBackendJobStarted,
	"backend_job_done":          legacyBackendJobDone,
	"backend_job_ssh_debug":     legacyBackendJobSSHDebug,
	"backend_get_queue":         legacyBackendGetQueue,
	"backend_new_job":           legacyBackendNewJob,
	"backend_kill_job":          legacyBackendKillJob,
	"agent_hello":               legacyAgentHello,
	"agent_job_started":         legacyAgentJobStarted,
	"agent_job_done":            legacyAgentJobDone,
	"agent_job_ssh_debug":       legacyAgentJobSSHDebug,
	"ping":                      legacyPing,
	"pong":                      legacyPong,
	"unknown":                   legacyUnknown,
}

var currentSpellings = map[string]spelling{
	"ClientHello":               clientHello,
	"ClientNewJob":              clientNewJob,
	"ClientKillJob":             clientKillJob,
	"ClientGetQueue":            clientGetQueue,
	"BackendUpdateEnvironments": backendUpdateEnvironments,
	"BackendJobStarted":         backendJobStarted,
	"BackendJobDone":            backendJobDone,
	"BackendJobSSHDebug":        backendJobSSHDebug,
	"BackendGetQueue":           backendGetQueue,
	"BackendNewJob":             backendNewJob,
	"BackendKillJob":            backendKillJob,
	"AgentHello":                agentHello,
	"AgentJobStarted":           agentJobStarted,
	"AgentJobDone":              agentJobDone,
	"AgentJobSSHDebug":          agentJobSSHDebug,
	"Ping":                      ping,
	"Pong":                      pong,
	"Unknown":                   unknown,
}

func (*ClientHello) spellings() (before7, since7 spelling) {
	return legacyClientHello, clientHello
}

func (*ClientNewJob) spellings() (before7, since7 spelling) {
	return legacyClientNewJob, clientNewJob
}

func (*ClientKillJob) spellings() (before7, since7 spelling) {
	return legacyClientKillJob, clientKillJob
}

func (*ClientGetQueue) spellings() (before7, since7 spelling) {
	return legacyClientGetQueue, clientGetQueue
}

func (*BackendUpdateEnvironments) spellings() (before7, since7 spelling) {
	return legacyBackendUpdateEnvironments, backendUpdateEnvironments
}

func (*BackendJobStarted) spellings() (before7, since7 spelling) {
	return legacyBackendJobStarted, backendJobStarted
}

func (*BackendJobDone) spellings() (before7, since7 spelling) {
	return legacyBackendJobDone, backendJobDone
}

func (*BackendJobSSHDebug) spellings() (before7, since7 spelling) {
	return legacyBackendJobSSHDebug, backendJobSSHDebug
}

func (*BackendGetQueue) spellings() (before7, since7 spelling) {
	return legacyBackendGetQueue, backendGetQueue
}

func (*BackendNewJob) spellings() (before7, since7 spelling) {
	return legacyBackendNewJob, backendNewJob
}

func (*BackendKillJob) spellings() (before7, since7 spelling) {
	return legacyBackendKillJob, backendKillJob
}

func (*AgentHello) spellings() (before7, since7 spelling) {
	return legacyAgentHello, agentHello
}

func (*AgentJobStarted) spellings() (before7, since7 spelling) {
	return legacyAgentJobStarted, agentJobStarted
}

func (*AgentJobDone) spellings() (before7, since7 spelling) {
	return legacyAgentJobDone, agentJobDone
}

func (*AgentJobSSHDebug) spellings() (before7, since7 spelling) {
	return legacyAgentJobSSHDebug, agentJobSSHDebug
}

func (*Ping) spellings() (before7, since7 spelling) {
	return legacyPing, ping
}

func (*Pong) spellings() (before7, since7 spelling) {
	return legacyPong, pong
}

func (*Unknown) spellings() (before7, since7 spelling) {
	return legacyUnknown, unknown
}
