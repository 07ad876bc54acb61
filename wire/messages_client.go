package wire

// The messages between clients and the backend (PROTOCOL.md 1.5). The fields
// stand in the order in which Python sends them.

var (
	clientHello       = newLayout(current, "ClientHello", helloFields)
	legacyClientHello = newLayout(legacy, "client_hello", helloFields)

	// Nobody uses the name, and Python takes any value there.
	helloFields = []field[ClientHello]{{
		key: "name",
		read: func(d *Dialect, v Raw, m *ClientHello) error {
			b, _ := v.textBytes()
			m.Name = d.keep(b)
			return nil
		},
		send: func(_ *Dialect, b []byte, m *ClientHello) []byte { return appendText(b, m.Name) },
	}}
)

var (
	clientNewJob = newLayout(current, "ClientNewJob", []field[ClientNewJob]{
		id("job_id", func(m *ClientNewJob) *string { return &m.JobID }),
		integer("priority", func(m *ClientNewJob) *int64 { return &m.Priority }),
		optionalID("course_id", func(m *ClientNewJob) *Nullable { return &m.CourseID }),
		optionalID("task_id", func(m *ClientNewJob) *Nullable { return &m.TaskID }),
		raw("task_problems", func(m *ClientNewJob) *Raw { return &m.TaskProblems }),
		raw("inputdata", func(m *ClientNewJob) *Raw { return &m.InputData }),
		id("environment_type", func(m *ClientNewJob) *string { return &m.EnvironmentType }),
		id("environment", func(m *ClientNewJob) *string { return &m.Environment }),
		raw("environment_parameters", func(m *ClientNewJob) *Raw { return &m.Parameters }),
		debug(func(m *ClientNewJob) *Debug { return &m.Debug }),
		id("launcher", func(m *ClientNewJob) *string { return &m.Launcher }),
	})
	legacyClientNewJob = newLayout(legacy, "client_new_job", []field[ClientNewJob]{
		id("job_id", func(m *ClientNewJob) *string { return &m.JobID }),
		integer("priority", func(m *ClientNewJob) *int64 { return &m.Priority }).from(only(G6)),
		optionalID("course_id", func(m *ClientNewJob) *Nullable { return &m.CourseID }),
		optionalID("task_id", func(m *ClientNewJob) *Nullable { return &m.TaskID }),
		raw("inputdata", func(m *ClientNewJob) *Raw { return &m.InputData }),
		debug(func(m *ClientNewJob) *Debug { return &m.Debug }),
		legacyEnvironment(func(m *ClientNewJob) (*string, *string) { return &m.EnvironmentType, &m.Environment }),
		flatNetwork(func(m *ClientNewJob) *Raw { return &m.Parameters }),
		flatTime(func(m *ClientNewJob) *Raw { return &m.Parameters }),
		flatHardTime(func(m *ClientNewJob) *Raw { return &m.Parameters }),
		flatMemory(func(m *ClientNewJob) *Raw { return &m.Parameters }),
		id("launcher", func(m *ClientNewJob) *string { return &m.Launcher }),
		flatRunCmd(func(m *ClientNewJob) *Raw { return &m.Parameters }).from(only(G6)),
	}).then(func(d *Dialect, m *ClientNewJob) { m.Parameters = d.flat.nested() })
)

var (
	clientKillJob       = newLayout(current, "ClientKillJob", clientKillFields)
	legacyClientKillJob = newLayout(legacy, "client_kill_job", clientKillFields)

	clientKillFields = []field[ClientKillJob]{
		id("job_id", func(m *ClientKillJob) *string { return &m.JobID }),
	}
)

var (
	clientGetQueue       = newLayout[ClientGetQueue](current, "ClientGetQueue")
	legacyClientGetQueue = newLayout[ClientGetQueue](legacy, "client_get_queue")
)

var (
	backendJobStarted       = newLayout(current, "BackendJobStarted", backendStartedFields)
	legacyBackendJobStarted = newLayout(legacy, "backend_job_started", backendStartedFields)

	backendStartedFields = []field[BackendJobStarted]{
		id("job_id", func(m *BackendJobStarted) *string { return &m.JobID }),
	}
)

var (
	backendJobDone       = newLayout(current, "BackendJobDone", backendDoneFields)
	legacyBackendJobDone = newLayout(legacy, "backend_job_done", backendDoneFields)

	backendDoneFields = append([]field[BackendJobDone]{
		id("job_id", func(m *BackendJobDone) *string { return &m.JobID }),
	}, resultFields(func(m *BackendJobDone) *Result { return &m.Result })...)
)

var (
	backendJobSSHDebug       = newLayout(current, "BackendJobSSHDebug", backendSSHFields)
	legacyBackendJobSSHDebug = newLayout(legacy, "backend_job_ssh_debug", backendSSHFields).
					then(func(_ *Dialect, m *BackendJobSSHDebug) { m.User = legacyUser })

	backendSSHFields = append([]field[BackendJobSSHDebug]{
		id("job_id", func(m *BackendJobSSHDebug) *string { return &m.JobID }),
	}, sshFields(func(m *BackendJobSSHDebug) *SSH { return &m.SSH })...)
)

var (
	ping    = newLayout[Ping](current, "Ping")
	pong    = newLayout[Pong](current, "Pong")
	unknown = newLayout[Unknown](current, "Unknown")

	legacyPing    = newLayout[Ping](legacy, "ping")
	legacyPong    = newLayout[Pong](legacy, "pong")
	legacyUnknown = newLayout[Unknown](legacy, "unknown")
)

// sinceG6 has what came with 0.6 and stayed.
const sinceG6 = (legacy | current) &^ (1 << G5)

// resultFields are the fields of a result, the same on both links.
func resultFields[T any](at func(*T) *Result) []field[T] {
	return []field[T]{
		resultPair(at),
		number("grade", func(m *T) *float64 { return &at(m).Grade }),
		raw("problems", func(m *T) *Raw { return &at(m).Problems }),
		raw("tests", func(m *T) *Raw { return &at(m).Tests }),
		raw("custom", func(m *T) *Raw { return &at(m).Custom }),
		text("state", func(m *T) *string { return &at(m).State }).from(sinceG6),
		archive(at),
		optionalText("stdout", func(m *T) *Nullable { return &at(m).Stdout }),
		optionalText("stderr", func(m *T) *Nullable { return &at(m).Stderr }),
	}
}

// legacyUser is who logs in by SSH where the generation cannot say.
const legacyUser = "worker"

func sshFields[T any](at func(*T) *SSH) []field[T] {
	return []field[T]{
		id("host", func(m *T) *string { return &at(m).Host }),
		integer("port", func(m *T) *int64 { return &at(m).Port }),
		id("user", func(m *T) *string { return &at(m).User }).from(current),
		id("password", func(m *T) *string { return &at(m).Password }),
	}
}
