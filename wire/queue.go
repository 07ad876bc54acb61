package wire

import "github.com/tinylib/msgp/msgp"

//go:generate go tool msgp -io=false -tests=false -o queue_gen.go

//msgp:tuple RunningJob WaitingJob
//msgp:replace string with:Text
//msgp:replace int64 with:Int

// RunningJob is a line of the queue listing.
type RunningJob struct {
	JobID     string
	Mine      bool // the asking connection created it
	Agent     string
	Info      string
	Launcher  string
	StartedAt int64 // Unix seconds
	Max       int64 // seconds the job may take, -1 if unknown
}

// WaitingJob is a line of the queue listing.
type WaitingJob struct {
	JobID    string
	Mine     bool
	Info     string
	Launcher string
	Max      int64 // seconds the job may take, -1 if unknown
}

var (
	backendGetQueue = newLayout(current, "BackendGetQueue", []field[BackendGetQueue]{
		{key: "jobs_running", read: readRunning, send: appendRunning}, waiting,
	})
	legacyBackendGetQueue = newLayout(legacy, "backend_get_queue", []field[BackendGetQueue]{
		{key: "jobs_running", read: readLegacyRunning, send: appendLegacyRunning}, waiting,
	})

	waiting = field[BackendGetQueue]{key: "jobs_waiting", read: readWaiting, send: appendWaiting}
)

func readRunning(d *Dialect, v Raw, m *BackendGetQueue) (err error) {
	m.Running, err = readRows[RunningJob](d, v)
	return err
}

func appendRunning(_ *Dialect, b []byte, m *BackendGetQueue) []byte {
	return appendRows(b, m.Running)
}

// readLegacyRunning reads a listing that says when a job ends instead of how
// long it may take (PROTOCOL.md 1.6).
func readLegacyRunning(d *Dialect, v Raw, m *BackendGetQueue) error {
	err := readRunning(d, v, m)
	for i := range m.Running {
		if row := &m.Running[i]; row.Max != -1 {
			row.Max -= row.StartedAt
		}
	}
	return err
}

func appendLegacyRunning(_ *Dialect, b []byte, m *BackendGetQueue) []byte {
	b = msgp.AppendArrayHeader(b, uint32(len(m.Running)))
	for _, row := range m.Running {
		if row.Max != -1 {
			row.Max += row.StartedAt
		}
		b, _ = row.MarshalMsg(b) // has no way to fail
	}
	return b
}

func readWaiting(d *Dialect, v Raw, m *BackendGetQueue) (err error) {
	m.Waiting, err = readRows[WaitingJob](d, v)
	return err
}

func appendWaiting(_ *Dialect, b []byte, m *BackendGetQueue) []byte {
	return appendRows(b, m.Waiting)
}

// readRows reads an array of generated tuples.
func readRows[T any, P interface {
	*T
	msgp.Unmarshaler
}](d *Dialect, v Raw) ([]T, error) {
	s, err := scan(v, KindArray, d.lim)
	if err == nil {
		err = d.take(s.count)
	}
	if err != nil || s.count == 0 {
		return nil, err
	}
	rows := make([]T, s.count)
	rest := v[s.at:]
	for i := range rows {
		if rest, err = P(&rows[i]).UnmarshalMsg(rest); err != nil {
			return nil, badRow(err)
		}
	}
	return rows, nil
}

// appendRows writes an array of generated tuples.
func appendRows[T any, P interface {
	*T
	msgp.Marshaler
}](b []byte, rows []T) []byte {
	b = msgp.AppendArrayHeader(b, uint32(len(rows)))
	for i := range rows {
		b, _ = P(&rows[i]).MarshalMsg(b) // has no way to fail
	}
	return b
}
