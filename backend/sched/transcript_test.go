package sched

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

var update = flag.Bool("update", false, "write what happens into testdata instead of comparing")

// A transcript is a file of blocks: comments, commands, a line ----, and the
// effects of the commands. See run for the commands and render for the effects.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("got:\n%s\nwant:\n%s", got, text)
			}
		})
	}
}

// replay runs the commands of a transcript and returns it with what happened.
func replay(t *testing.T, text string) string {
	p := newPlay()
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		head, _, _ := strings.Cut(block, "\n----")
		var effects []string
		for line := range strings.SplitSeq(head, "\n") {
			if strings.HasPrefix(line, "#") || line == "" {
				continue
			}
			if err := p.run(strings.Fields(line)); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if err := p.state.check(); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		effects, p.lines = p.lines, nil
		if out.Len() > 0 {
			out.WriteString("\n")
		}
		out.WriteString(head + "\n")
		if strings.Contains(block, "\n----") || len(effects) > 0 {
			out.WriteString("----\n" + strings.Join(append(effects, ""), "\n"))
		}
	}
	return out.String()
}

// play is a transcript being run.
type play struct {
	state *State
	now   time.Time
	peers map[string]wire.Peer
	names map[wire.Peer]string
	old   map[string]bool
	quiet map[string]bool // agents that do not answer pings
	lines []string
}

func newPlay() *play {
	cfg := DefaultConfig()
	return &play{
		state: New(cfg), now: time.Unix(1_000_000, 0),
		peers: map[string]wire.Peer{}, names: map[wire.Peer]string{}, old: map[string]bool{}, quiet: map[string]bool{},
	}
}

func (p *play) step(ev Event) {
	var pinged []wire.Peer
	for _, e := range p.state.Step(p.now, ev) {
		if to, ok := e.(ToAgent); ok {
			if _, ping := to.Msg.(*wire.Ping); ping && !p.quiet[p.names[to.Peer]] {
				pinged = append(pinged, to.Peer)
				continue
			}
		}
		if line := p.render(e); line != "" {
			p.lines = append(p.lines, line)
		}
	}
	for _, peer := range pinged {
		p.step(AgentMessage{peer, false, &wire.Pong{}})
	}
}

// options splits words of the form name=value; a word alone has an empty value.
func options(words []string) map[string]string {
	opt := map[string]string{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		opt[k] = v
	}
	return opt
}

// up makes a connection: agents' peers are odd, clients' even, so that a mix-up shows.
func (p *play) up(name string, opt map[string]string, agent bool) (wire.Peer, string) {
	peer := wire.Peer(2 * (len(p.names) + 1))
	if agent {
		peer++
	}
	p.peers[name], p.names[peer] = peer, name
	_, p.old[name] = opt["old"]
	_, p.quiet[name] = opt["silent"]
	routing := opt["id"]
	if routing == "" {
		routing = "\x00" + name
	}
	return peer, routing
}

// run does one command. name is of a connection: a… for agents, c… for clients.
//
//	config NAME=VALUE…                       at the start
//	advance DURATION                         ticks each second
//	agent NAME [slots=N] [env=T/N,…] [id=ROUTING] [old] [mute] [silent]
//	                                         connects, says hello, answers pings
//	client NAME [old] [mute]                 the same; mute ones do not say hello
//	NAME VERB [JOB] [OPTION=VALUE…]          says something, see says
//	NAME down                                its connection ends
//	drain NAME, undrain NAME, kill NAME JOB, stop [now]
func (p *play) run(w []string) error {
	opt := options(w[1:])
	switch w[0] {
	case "config":
		return p.configure(opt)
	case "advance":
		d, err := time.ParseDuration(w[1])
		return p.advance(d, err)
	case "agent":
		peer, routing := p.up(w[1], opt, true)
		p.step(AgentUp{peer, routing, "addr"})
		if _, mute := opt["mute"]; !mute {
			return p.says(w[1], "hello", "", opt)
		}
	case "client":
		peer, routing := p.up(w[1], opt, false)
		p.step(ClientUp{peer, routing, "addr"})
		if _, mute := opt["mute"]; !mute {
			return p.says(w[1], "hello", "", opt)
		}
	case "drain":
		p.step(Drain{p.peers[w[1]], true})
	case "undrain":
		p.step(Drain{p.peers[w[1]], false})
	case "kill":
		p.step(Kill{p.peers[w[1]], w[2]})
	case "stop":
		p.step(Stop{Now: len(w) > 1})
	default:
		job := ""
		if len(w) > 2 {
			job = w[2]
		}
		return p.says(w[0], w[1], job, opt)
	}
	return nil
}

func (p *play) advance(d time.Duration, err error) error {
	pings := len(p.lines)
	for ; d >= time.Second && err == nil; d -= time.Second {
		p.now = p.now.Add(time.Second)
		p.step(Tick{})
	}
	p.lines = append(p.lines[:pings], fold(p.lines[pings:])...)
	return err
}

// fold counts repeated pings in the place of the first.
func fold(lines []string) []string {
	count := map[string]int{}
	var kept []string
	for _, l := range lines {
		if !strings.HasSuffix(l, "Ping") || count[l] == 0 {
			kept = append(kept, l)
		}
		count[l]++
	}
	for i, l := range kept {
		if strings.HasSuffix(l, "Ping") && count[l] > 1 {
			kept[i] = fmt.Sprintf("%s ×%d", l, count[l])
		}
	}
	return kept
}

func (p *play) configure(opt map[string]string) error {
	cfg := p.state.cfg
	for k, v := range opt {
		n, err := strconv.Atoi(v)
		d, derr := time.ParseDuration(v)
		switch {
		case k == "queue-limit" && err == nil:
			cfg.QueueLimit = n
		case k == "queue-bytes" && err == nil:
			cfg.QueueBytes = int64(n)
		case k == "client-limit" && err == nil:
			cfg.ClientLimit = n
		case k == "unanswered" && err == nil:
			cfg.MaxUnanswered = n
		case k == "agent-grace" && derr == nil:
			cfg.AgentGrace = d
		case k == "environment-grace" && derr == nil:
			cfg.EnvironmentGrace = d
		case k == "unrunnable" && derr == nil:
			cfg.Unrunnable = d
		case k == "retry":
			cfg.RetryStarted = true
		case k == "keep-orphans":
			cfg.KeepOrphans = true
		default:
			return fmt.Errorf("bad option %s=%s", k, v)
		}
	}
	p.step(Configure{cfg})
	return nil
}
