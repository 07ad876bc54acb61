package mainproc

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
)

// Config is what the main process is given. The zero value of what is not said
// to be needed is right in a container.
type Config struct {
	Args   []string  // the command line without the program's name
	Stdin  io.Reader // needed: frames of the agent
	Stdout io.Writer // needed: frames to the agent
	Log    *slog.Logger
	// Root stands before every path and Worker and Superuser are the ids that
	// files shall have; for tests without rights.
	Root              string
	Worker, Superuser int
}

// incoming is a frame of the agent, or why it is none.
type incoming struct {
	kind  string
	frame *pyjson.Object
	err   error
}

// Main is the main process of a grading container: it returns the exit code
// after the result was written, or when the agent went away before the start.
func Main(c Config) int {
	if c.Worker == 0 {
		c.Worker = Worker
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	j := &job{root: c.Root, worker: owner{c.Worker, c.Worker}, rootUID: c.Superuser, log: c.Log}
	frames := make(chan incoming)
	stop := make(chan struct{})
	defer close(stop)
	go receive(bufio.NewReaderSize(c.Stdin, 64<<10), frames, stop)
	l := &loop{job: j, out: c.Stdout, debug: slices.Contains(c.Args[:min(len(c.Args), 1)], "--debug")}
	return l.run(frames)
}

// receive reads frames until the agent closes the stream or breaks it.
func receive(r io.Reader, frames chan<- incoming, stop <-chan struct{}) {
	defer close(frames)
	for {
		kind, frame, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return
		}
		select {
		case frames <- incoming{kind, frame, err}:
		case <-stop:
			return
		}
		if err != nil && !errors.Is(err, errFrame) {
			return
		}
	}
}

// loop owns the state of the main process and standard output.
type loop struct {
	job   *job
	out   io.Writer
	debug bool
	done  chan *pyjson.Object // the result of the job; nil before the start
}

// run handles what comes until the result is out.
func (l *loop) run(frames <-chan incoming) int {
	for {
		select {
		case in, ok := <-frames:
			if !ok {
				frames = nil // the end of the stream only ends reading
				if l.done == nil {
					l.job.log.Error("no start frame came")
					return 1
				}
				continue
			}
			l.handle(in)
		case result := <-l.done:
			return l.finish(result)
		}
	}
}

func (l *loop) handle(in incoming) {
	switch {
	case in.err != nil:
		l.job.log.Error("bad frame from the agent", "err", in.err)
		if l.done == nil {
			l.done = make(chan *pyjson.Object, 1)
			l.done <- broken(in.err)
		}
	case in.kind == "start" && l.done == nil:
		l.done = make(chan *pyjson.Object, 1)
		go func() { l.done <- l.job.run(in.frame, l.debug) }()
	default:
		l.job.log.Debug("frame ignored", "type", in.kind)
	}
}

func (l *loop) finish(result *pyjson.Object) int {
	frame := new(pyjson.Object)
	frame.Set("type", "result")
	frame.Set("result", result)
	if err := writeFrame(l.out, frame); err != nil {
		l.job.log.Error("result not sent", "err", err)
		return 1
	}
	return 0
}

// Run is the main process as a command.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	log := slog.New(slog.NewTextHandler(stderr, nil))
	if err := limitProcesses(); err != nil {
		log.Warn("no limit of processes", "err", err)
	}
	if os.Getenv("PATH") == "" {
		os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	return Main(Config{Args: args, Stdin: stdin, Stdout: stdout, Log: log})
}
