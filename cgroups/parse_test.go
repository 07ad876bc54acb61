package cgroups

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseFlat(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		a, b int64
		bad  bool
	}{
		"plain":          {"a 1\nb 2\n", 1, 2, false},
		"no end of line": {"a 1\nb 2", 1, 2, false},
		"newer kernel":   {"new 5\na 1\nstrange text of more words\nb 2\n", 1, 2, false},
		"other order":    {"b 2\na 1\n", 1, 2, false},
		"missing":        {"a 1\n", 1, 0, false},
		"empty":          {"", 0, 0, false},
		"max":            {"a max\n", math.MaxInt64, 0, false},
		"64 bits":        {"a 18446744073709551615\n", math.MaxInt64, 0, false},
		"more than that": {"a 99999999999999999999999\n", math.MaxInt64, 0, false},
		"no number":      {"a x\n", 0, 0, true},
		"negative":       {"a -1\n", 0, 0, true},
		"two numbers":    {"a 1 2\n", 0, 0, true},
		"no value":       {"a\n", 0, 0, true},
		"empty line":     {"a 1\n\nb 2\n", 1, 0, true},
		"spaces":         {"a  1\n", 0, 0, true},
		"no end":         {strings.Repeat("a", 1<<17), 0, 0, true},
	} {
		var a, b int64
		err := parseFlat(strings.NewReader(c.text), map[string]*int64{"a": &a, "b": &b})
		if (err != nil) != c.bad || !c.bad && (a != c.a || b != c.b) {
			t.Errorf("%s: %d, %d, %v", name, a, b, err)
		}
	}
}

func TestParseValue(t *testing.T) {
	for text, want := range map[string]int64{"0\n": 0, "4096": 4096, "max\n": math.MaxInt64, "18446744073709551615\n": math.MaxInt64} {
		if n, err := parseValue(strings.NewReader(text)); n != want || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "\n", "-1\n", "1 2\n", "x", "0x10"} {
		if n, err := parseValue(strings.NewReader(text)); !errors.Is(err, errSyntax) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

func TestParseIO(t *testing.T) {
	for text, want := range map[string]IO{
		"": {},
		"8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n":                                        {1, 2, 3, 4},
		"8:0 rbytes=1 wbytes=2 rios=3 wios=4\n8:16 rbytes=10 wbytes=20 rios=30 wios=40 cost.usage=7\n": {11, 22, 33, 44},
		"254:0 254:16 8:0 rbytes=1 wbytes=2 rios=3 wios=4\n":                                           {1, 2, 3, 4},
		"8:0 \n8:16 \n": {},
		"8:0 rbytes=9223372036854775807\n8:1 rbytes=1\n": {ReadBytes: math.MaxInt64},
	} {
		if got, err := parseIO(strings.NewReader(text)); got != want || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	if _, err := parseIO(strings.NewReader("8:0 rbytes=x\n")); !errors.Is(err, errSyntax) {
		t.Errorf("no number: %v", err)
	}
}

func TestCountCPUs(t *testing.T) {
	for list, want := range map[string]int{"0": 1, "0-3": 4, "0-1,4,6-7": 5, "": 0, "3-1": 0, "x": 0, "-": 0, "0-": 0, "0,": 0, "-1": 0} {
		if n := countCPUs(list); n != want {
			t.Errorf("%q: %d", list, n)
		}
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestReadingsOfAllFiles(t *testing.T) {
	group := fstest.MapFS{
		"cpu.stat":       file("usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\nnr_periods 1\nnr_throttled 1\nthrottled_usec 5\n"),
		"memory.current": file("4096\n"),
		"memory.peak":    file("8192\n"),
		"memory.events":  file("low 0\nhigh 0\nmax 7\noom 2\noom_kill 3\noom_group_kill 1\n"),
		"pids.current":   file("2\n"),
		"pids.peak":      file("9\n"),
		"pids.events":    file("max 4\n"),
		"io.stat":        file("8:0 rbytes=1 wbytes=2 rios=3 wios=4\n"),
	}
	want := Readings{
		CPU:    CPU{Usage: 3 * time.Second, User: 2 * time.Second, System: time.Second, Throttled: 5 * time.Microsecond},
		Memory: 4096, MemoryPeak: 8192, OOM: MemoryEvents{Max: 7, OOM: 2, Kills: 3, GroupKills: 1},
		Pids: 2, PidsPeak: 9, PidsDenied: 4, IO: IO{1, 2, 3, 4},
	}
	if got, err := read(group); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, name := range []string{"memory.peak", "pids.peak", "io.stat"} { // an older kernel, or no controller
		delete(group, name)
	}
	want.MemoryPeak, want.PidsPeak, want.IO = 0, 0, IO{}
	if got, err := read(group); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	group["memory.events"] = file("oom_kill many\n")
	if _, err := read(group); !errors.Is(err, errSyntax) || gone(err) {
		t.Errorf("broken file: %v", err)
	}
	delete(group, "cpu.stat")
	if _, err := read(group); !gone(err) {
		t.Errorf("no group: %v", err)
	}
}

// vanishing is a group that is removed while one of its files is open.
type vanishing struct {
	fs.FS
	name string
}

func (v vanishing) Open(name string) (fs.File, error) {
	f, err := v.FS.Open(name)
	if name != v.name {
		return f, err
	}
	return vanished{f}, err
}

type vanished struct{ fs.File }

func (vanished) Read([]byte) (int, error) { return 0, &fs.PathError{Op: "read", Err: unix.ENODEV} }

func TestReadOfAGroupThatGoes(t *testing.T) {
	group := fstest.MapFS{"cpu.stat": file("usage_usec 1\n"), "memory.current": file("1\n"), "io.stat": file("")}
	for name := range group {
		if _, err := read(vanishing{group, name}); !gone(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	g := &Group{mount: t.TempDir(), path: "/none"}
	if _, err := g.CPU(); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	if _, err := g.Read(); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
}

// What the kernel may write for any number is read as that number, and nothing
// that it does not write makes a parser panic or gives a negative one.
func FuzzParsers(f *testing.F) {
	for _, text := range []string{"a 1\n", "8:0 rbytes=1 wbytes=2\n", "max", "0-3,7", "18446744073709551616", "a  \x00", "="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, parse := range map[string]func(io.Reader) ([]int64, error){
			"flat": func(r io.Reader) ([]int64, error) {
				n := make([]int64, 2)
				err := parseFlat(r, map[string]*int64{"a": &n[0], "usage_usec": &n[1]})
				return n, err
			},
			"value": func(r io.Reader) ([]int64, error) { n, err := parseValue(r); return []int64{n}, err },
			"io": func(r io.Reader) ([]int64, error) {
				io, err := parseIO(r)
				return []int64{io.ReadBytes, io.WrittenBytes, io.Reads, io.Writes}, err
			},
			"cpus": func(r io.Reader) ([]int64, error) {
				n := int64(countCPUs(text))
				return []int64{n, int64(usec(n))}, nil
			},
			"mounts": func(r io.Reader) ([]int64, error) { _, err := parseMountinfo(r); return nil, err },
			"own": func(r io.Reader) ([]int64, error) {
				own, err := parseOwn(r)
				if err == nil && !strings.HasPrefix(own, "/") {
					t.Errorf("own group %q", own)
				}
				return nil, err
			},
		} {
			numbers, _ := parse(strings.NewReader(text))
			for _, n := range numbers {
				if n < 0 {
					t.Errorf("%s of %q: %d", name, text, n)
				}
			}
		}
	})
}
