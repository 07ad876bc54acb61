//go:build native || vm

package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// program is the agent as a process of its own.
const program = "testdata/inginious-agent-containerd"

// unit is its service.
const unit = "inginious-agent-containerd.service"

// slots of an agent that is a process.
const slots = 4

// process is an agent that runs as the program, on crun.
type process struct {
	*rig
	addr string // of its metrics

	mu   sync.Mutex
	said []entry
	more chan struct{} // closed and replaced when more is said
}

// entry is a line of the agent's log.
type entry struct {
	Level, Msg, Job, To, Container, Addr, Victim, Err string
}

// startProcess brings up a rig whose agent is a process.
func startProcess(t testing.TB, flags ...string) *process {
	t.Helper()
	return startBy(t, (*process).run, flags)
}

// startBy is startProcess for an agent that is started by run, with these
// arguments.
func startBy(t testing.TB, run func(p *process, log *slog.Logger, args []string), flags []string) *process {
	t.Helper()
	p := &process{more: make(chan struct{})}
	p.rig = startWith(t, func(r *rig, log *slog.Logger, agents string) {
		p.rig, r.kind = r, "docker"
		run(p, log, p.args(agents, flags))
	})
	p.addr = p.await(1, func(e entry) bool { return e.Msg == "serving HTTP" })[0].Addr
	return p
}

func (p *process) args(agents string, flags []string) []string {
	args := append([]string{
		agents, "--tasks", p.tasks, "--tmpdir", p.state, "--namespace", p.namespace,
		"--runtime", "crun", "--concurrency", strconv.Itoa(slots), "--memory", "512", "--max-pids", "100",
		"--http", "127.0.0.1:0", "--log-format", "json", "--verbose",
	}, flags...)
	if addr := os.Getenv("CONTAINERD_ADDRESS"); addr != "" {
		args = append(args, "--containerd-address", addr)
	}
	if native() { // where the machine's network is not ours
		args = append(args, "--unlimited", "--no-network")
	}
	return args
}

// run starts the program, and ends it with the test.
func (p *process) run(log *slog.Logger, args []string) {
	t := p.t
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (make builds it)", err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(out, log.With("at", "agent"))
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
			t.Error(err)
		}
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("the agent's end: %v", err)
		}
		p.nothingLeft()
	})
}

// read keeps what the agent says until it has ended.
func (p *process) read(from io.Reader, log *slog.Logger) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Level != "DEBUG" {
			log.Info(lines.Text())
		}
		p.mu.Lock()
		p.said = append(p.said, e)
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
}

// await waits until the agent has said n things that match, and returns them.
func (p *process) await(n int, match func(entry) bool) []entry {
	p.t.Helper()
	late := time.After(patience)
	for {
		p.mu.Lock()
		more := p.more
		var found []entry
		for _, e := range p.said {
			if match(e) {
				found = append(found, e)
			}
		}
		p.mu.Unlock()
		if len(found) >= n {
			return found
		}
		select {
		case <-more:
		case <-late:
			p.t.Fatal("the agent is silent")
		}
	}
}

// running waits until n graders have started, students until n students have, and
// gone until n jobs are cleaned up, of all that there ever were.
func (p *process) running(n int) {
	p.t.Helper()
	p.await(n, func(e entry) bool { return e.To == "running" })
}

func (p *process) students(n int) {
	p.t.Helper()
	p.await(n, func(e entry) bool { return e.Msg == "container started" && e.Container != "grader" })
}

func (p *process) gone(n int) {
	p.t.Helper()
	p.await(n, func(e entry) bool { return e.To == "gone" })
}

// metrics are the agent's, by name and labels.
func (p *process) metrics() map[string]float64 {
	p.t.Helper()
	all, err := scrape(p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

func scrape(addr string) (_ map[string]float64, err error) {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // what is open must not count
	resp, err := c.Get("http://" + addr + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	all := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || name == "#" {
			continue
		}
		v, e := strconv.ParseFloat(value, 64)
		err = errors.Join(err, e)
		all[name] = v
	}
	return all, err
}

// results waits for the results of jobs, one of each, and returns their statuses.
func (p *process) results(jobs map[string]bool) map[string]string {
	p.t.Helper()
	statuses := map[string]string{}
	for len(statuses) < len(jobs) {
		m := p.nextDone()
		if !jobs[m.JobID] || statuses[m.JobID] != "" {
			p.t.Fatalf("a result of %s, which is none of these or has one", m.JobID)
		}
		statuses[m.JobID] = strings.TrimSpace(m.Status + " " + m.Text)
	}
	return statuses
}
