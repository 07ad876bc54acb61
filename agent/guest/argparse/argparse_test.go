package argparse_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/argparse"
)

// outcome parses a command line with two flags, a value, a number and a
// positional argument, and says what came out.
func outcome(args ...string) string {
	p := argparse.New("prog")
	all := p.Flag("-a", "--all")
	exact := p.Flag("-e", "--exact")
	message := p.Optional("-m", "--message")
	n := p.Int("-n", "--number", 7)
	pos := p.Positional("pos")
	var bad *argparse.UsageError
	err := p.Parse(args)
	switch {
	case errors.Is(err, argparse.ErrHelp):
		return "help"
	case errors.As(err, &bad):
		return "usage"
	case err != nil:
		return err.Error()
	}
	var out []string
	if *all {
		out = append(out, "a")
	}
	if *exact {
		out = append(out, "e")
	}
	if *message != nil {
		out = append(out, fmt.Sprintf("m%q", **message))
	}
	if *n != 7 {
		out = append(out, fmt.Sprint(*n))
	}
	return strings.Join(append(out, *pos), " ")
}

func TestOptionsAndArgumentsInAnyOrder(t *testing.T) {
	for want, lines := range map[string][][]string{
		"x":             {{"x"}, {"--", "x"}, {"-n7", "x"}},
		"a x":           {{"-a", "x"}, {"x", "-a"}, {"--al", "x"}, {"-aa", "-a", "x"}},
		"a e x":         {{"-ae", "x"}, {"x", "-ea"}, {"-a", "x", "--exact"}},
		`m"t" x`:        {{"-m", "t", "x"}, {"-mt", "x"}, {"-m=t", "x"}, {"--message=t", "x"}, {"--mes", "t", "x"}, {"-m", "s", "-m", "t", "x"}},
		`m"" x`:         {{"-m", "", "x"}, {"-m=", "x"}},
		`m"-1.5" x`:     {{"-m", "-1.5", "x"}},
		`m"- t" x`:      {{"-m", "- t", "x"}},
		`m"-t" x`:       {{"-m", "-t", "x"}, {"-m=-t", "x"}, {"-m-t", "x"}},
		`m"=t" x`:       {{"-m==t", "x"}},
		`a e m"t" x`:    {{"-aemt", "x"}, {"-aem", "t", "x"}},
		`a e m"=t" x`:   {{"-aem=t", "x"}},
		"-5 x":          {{"-n", "-5", "x"}, {"-n-5", "x"}, {"-n", " -5 ", "x"}},
		"-x":            {{"--", "-x"}},
		"-5000000000 x": {{"-n", "-5000000000", "x"}},
		"-":             {{"-"}},
		"":              {{""}},
		"-7":            {{"-7"}},
		"-x y":          {{"-x y"}},
		"help":          {{"-h"}, {"--help"}, {"--he"}, {"-ah"}, {"x", "y", "-h"}, {"--zzz", "-h"}},
		"usage": {
			{}, {"x", "y"}, {"-z", "x"}, {"--zzz", "x"}, {"-m"}, {"x", "-m"}, {"-m", "-a", "x"}, {"-m", "--", "x"}, {"--all=1", "x"}, {"-a=1", "x"},
			{"-az", "x"}, {"-n", "x", "x"}, {"-n", "1.0", "x"}, {"-n", "99999999999999999999", "x"}, {"--a", "x", "-n"}, {"-all", "x"}, {"-n", "q", "-h"}, {"--=x", "x"}, {"-5."}, {"-."},
		},
	} {
		for _, args := range lines {
			if got := outcome(args...); got != want {
				t.Errorf("%q: %s, want %s", args, got, want)
			}
		}
	}
}

func TestAmbiguousPrefix(t *testing.T) {
	p := argparse.New("prog")
	p.Flag("", "--custom")
	p.String("", "--custom-json", "")
	if err := p.Parse([]string{"--cust"}); err == nil || !strings.Contains(err.Error(), "--custom, --custom-json") {
		t.Errorf("got %v", err)
	}
	if err := p.Parse([]string{"--custom"}); err != nil {
		t.Errorf("an exact name: %v", err)
	}
}

func TestTailTakesTheRest(t *testing.T) {
	for line, want := range map[string]string{
		"-a ls -a -- x":  "true ls -a -- x",
		"ls --zzz":       "false ls --zzz",
		"-- ls -a":       "false ls -a",
		"-a -- -- ls":    "true -- ls",
		"":               "false ",
		"-a":             "true ",
		"-5 x --message": "false -5 x --message",
	} {
		p := argparse.New("prog")
		flag := p.Flag("-a", "--all")
		tail := p.Tail("cmd")
		if err := p.Parse(strings.Fields(line)); err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := fmt.Sprint(*flag, " ", strings.Join(*tail, " ")); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// No command line makes it fail in any other way than by saying so.
func FuzzParse(f *testing.F) {
	f.Add("-a\x00--mes\x00=\x00--")
	f.Add("-=\x00-\x00--=")
	f.Add("-é\x00-aé\x00--é=é")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\x00")
		before := slices.Clone(args)
		outcome(args...)
		if !slices.Equal(before, args) {
			t.Error("the arguments were changed")
		}
	})
}
