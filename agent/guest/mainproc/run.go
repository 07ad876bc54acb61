package mainproc

import (
	"errors"
	"io"
	"log/slog"
	"slices"

	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/agent/guest/worker"
	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/grading"
)

// socketPath is where run_student finds the main process.
const socketPath = "/sockets/main.sock"

// maxFrame is the largest frame that is read, in bytes. The input of a job is in
// the first one.
const maxFrame = 256 << 20

// Config is what the main process is given. The zero value of what is not said
// to be needed is right in a container.
type Config struct {
	Args   []string  // the command line without the program's name
	Stdin  io.Reader // needed: frames of the agent
	Stdout io.Writer // needed: frames to the agent
	Log    *slog.Logger
	Flow   bool // the agent takes part in flow control: see [grading.FlowControl]
	// Root stands before every path and Worker and Superuser are the ids that
	// files shall have; for tests without rights.
	Root              string
	Worker, Superuser int
}

// Main is the main process of a grading container: it returns the exit code
// after the result was written, or when the agent went away before the start.
func Main(c Config) int {
	if c.Worker == 0 {
		c.Worker = worker.ID
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	j := &job{root: c.Root, worker: owner{c.Worker, c.Worker}, rootUID: c.Superuser, log: c.Log, frames: make(chan []byte)}
	l := &loop{
		job:   j,
		out:   newOutbox(frame.NewWriter(c.Stdout)),
		debug: slices.Contains(c.Args[:min(len(c.Args), 1)], "--debug"),
		flow:  c.Flow,
		calls: map[string]*call{},
	}
	defer l.out.close()
	socket, err := mainsock.Listen(c.Root+socketPath, c.Worker, c.Log)
	if err != nil {
		c.Log.Warn("no run_student in this container", "err", err)
	} else {
		defer socket.Close()
		l.requests = socket.Requests()
	}
	incoming := make(chan message)
	stop := make(chan struct{})
	defer close(stop)
	go receive(frame.NewReader(c.Stdin, maxFrame), incoming, stop)
	return l.run(incoming)
}

// message is a frame of the agent, or why there is none.
type message struct {
	frame []byte
	err   error
}

// receive reads frames until the agent closes the stream or breaks it.
func receive(r *frame.Reader, out chan<- message, stop <-chan struct{}) {
	defer close(out)
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		select {
		case out <- message{slices.Clone(b), err}:
		case <-stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// Run is the main process as a command.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	worker.WarmUp()
	if err := worker.LimitProcesses(); err != nil {
		log.Warn("no limit of processes", "err", err)
	}
	worker.DefaultPath()
	return Main(Config{Args: args, Stdin: stdin, Stdout: stdout, Log: log, Flow: worker.Told(grading.FlowControl)})
}
