package wire

// The messages between the backend and agents (PROTOCOL.md 1.5). The fields
// stand in the order in which Python sends them.

var (
	backendNewJob = newLayout(current, "BackendNewJob", []field[BackendNewJob]{
		id("job_id", func(m *BackendNewJob) *string { return &m.JobID }),
		optionalID("course_id", func(m *BackendNewJob) *Nullable { return &m.CourseID }),
		optionalID("task_id", func(m *BackendNewJob) *Nullable { return &m.TaskID }),
		raw("task_problems", func(m *BackendNewJob) *Raw { return &m.TaskProblems }),
		raw("inputdata", func(m *BackendNewJob) *Raw { return &m.InputData }),
		id("environment_type", func(m *BackendNewJob) *string { return &m.EnvironmentType }),
		id("environment", func(m *BackendNewJob) *string { return &m.Environment }),
		raw("environment_parameters", func(m *BackendNewJob) *Raw { return &m.Parameters }),
		debug(func(m *BackendNewJob) *Debug { return &m.Debug }),
	})
	legacyBackendNewJob = newLayout(legacy, "backend_new_job", []field[BackendNewJob]{
		brokeredID(func(m *BackendNewJob) (*[]byte, *string) { return &m.Client, &m.JobID }),
		optionalID("course_id", func(m *BackendNewJob) *Nullable { return &m.CourseID }),
		optionalID("task_id", func(m *BackendNewJob) *Nullable { return &m.TaskID }),
		raw("inputdata", func(m *BackendNewJob) *Raw { return &m.InputData }),
		debug(func(m *BackendNewJob) *Debug { return &m.Debug }),
		legacyEnvironment(func(m *BackendNewJob) (*string, *string) { return &m.EnvironmentType, &m.Environment }),
		flatNetwork(func(m *BackendNewJob) *Raw { return &m.Parameters }),
		flatTime(func(m *BackendNewJob) *Raw { return &m.Parameters }),
		flatHardTime(func(m *BackendNewJob) *Raw { return &m.Parameters }),
		flatMemory(func(m *BackendNewJob) *Raw { return &m.Parameters }),
		flatRunCmd(func(m *BackendNewJob) *Raw { return &m.Parameters }).from(only(G6)),
	}).then(func(d *Dialect, m *BackendNewJob) { m.Parameters = d.flat.nested() })
)

var (
	backendKillJob = newLayout(current, "BackendKillJob", []field[BackendKillJob]{
		id("job_id", func(m *BackendKillJob) *string { return &m.JobID }),
		text("state", func(m *BackendKillJob) *string { return &m.State }).from(only(G8b, G9, GH)),
	})
	legacyBackendKillJob = newLayout(legacy, "backend_kill_job", []field[BackendKillJob]{
		brokeredID(func(m *BackendKillJob) (*[]byte, *string) { return &m.Client, &m.JobID }),
	})
)

var (
	agentHello = newLayout(current, "AgentHello", []field[AgentHello]{
		id("friendly_name", func(m *AgentHello) *string { return &m.FriendlyName }),
		integer("available_job_slots", func(m *AgentHello) *int64 { return &m.Slots }),
		{key: "available_environments", read: readEnvironments, send: appendEnvironments},
		boolean("ssh_allowed", func(m *AgentHello) *bool { return &m.SSHAllowed }).from(only(G8a, G8b)),
	})
	legacyAgentHello = newLayout(legacy, "agent_hello", []field[AgentHello]{
		id("friendly_name", func(m *AgentHello) *string { return &m.FriendlyName }),
		integer("available_job_slots", func(m *AgentHello) *int64 { return &m.Slots }),
		{key: "available_containers", read: readContainers, send: appendContainers},
	})
)

var (
	agentJobStarted = newLayout(current, "AgentJobStarted", []field[AgentJobStarted]{
		id("job_id", func(m *AgentJobStarted) *string { return &m.JobID }),
	})
	legacyAgentJobStarted = newLayout(legacy, "agent_job_started", []field[AgentJobStarted]{
		brokeredID(func(m *AgentJobStarted) (*[]byte, *string) { return &m.Client, &m.JobID }),
	})
)

var (
	agentJobDone = newLayout(current, "AgentJobDone", []field[AgentJobDone]{
		id("job_id", func(m *AgentJobDone) *string { return &m.JobID }),
	}, agentResultFields)
	legacyAgentJobDone = newLayout(legacy, "agent_job_done", []field[AgentJobDone]{
		brokeredID(func(m *AgentJobDone) (*[]byte, *string) { return &m.Client, &m.JobID }),
	}, agentResultFields)

	agentResultFields = resultFields(func(m *AgentJobDone) *Result { return &m.Result })
)

var (
	agentJobSSHDebug = newLayout(current, "AgentJobSSHDebug", []field[AgentJobSSHDebug]{
		id("job_id", func(m *AgentJobSSHDebug) *string { return &m.JobID }),
	}, agentSSHFields)
	legacyAgentJobSSHDebug = newLayout(legacy, "agent_job_ssh_debug", []field[AgentJobSSHDebug]{
		brokeredID(func(m *AgentJobSSHDebug) (*[]byte, *string) { return &m.Client, &m.JobID }),
	}, agentSSHFields).
		then(func(_ *Dialect, m *AgentJobSSHDebug) { m.User = legacyUser })

	agentSSHFields = sshFields(func(m *AgentJobSSHDebug) *SSH { return &m.SSH })
)
