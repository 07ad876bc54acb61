package grader

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingot-grading/ingot/agent/guest/input"
	"github.com/ingot-grading/ingot/agent/guest/mainsock"
	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/agent/guest/pytext"
	"github.com/ingot-grading/ingot/wire/grading"
	"github.com/ingot-grading/ingot/wire/student"
)

func job(t *testing.T, text string) *Grader {
	t.Helper()
	root := t.TempDir()
	path := root + input.Path
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	g, err := open(root)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestFieldsOfTheInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "upload")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := job(t, `{"input": {"q": "a", "n": 3, "c": ["1", "2"], "f": {"filename": "x.c", "value": "`+file+`"}, "@username": "u", "@lang": "fr"}}`)
	for id, want := range map[string]string{"q": "a", "f": "content", "f:filename": "x.c"} {
		if got, err := g.Text(id); err != nil || got != want {
			t.Errorf("%s: %q, %v", id, got, err)
		}
	}
	if _, err := g.Text("n"); !errors.Is(err, ErrNoText) {
		t.Errorf("a number: %v", err)
	}
	var unknown *input.UnknownError
	if _, err := g.Text("none"); !errors.As(err, &unknown) {
		t.Errorf("no field: %v", err)
	}
	if got, err := g.Choices("c"); err != nil || strings.Join(got, ",") != "1,2" {
		t.Errorf("choices %q, %v", got, err)
	}
	if g.Username() != "u" || g.Language() != "fr" || g.State() != "" {
		t.Errorf("%q %q %q", g.Username(), g.Language(), g.State())
	}
	if err := g.SetResult("success", ""); err != nil {
		t.Error(err)
	}
}

func TestTimesOfAllWebapps(t *testing.T) {
	for _, text := range []string{"2026-08-19 10:20:30.123456", "2026-08-19 10:20:30", "2026-08-19 10:20:30.5+00:00", "2026-08-19 10:20:30+00:00"} {
		g := job(t, `{"input": {"@time": "`+text+`"}}`)
		if at, err := g.Submitted(); err != nil || at.Second() != 30 || at.Year() != 2026 {
			t.Errorf("%s: %v, %v", text, at, err)
		}
	}
	if at, err := job(t, `{"input": {"@time": "yesterday"}}`).Submitted(); err == nil {
		t.Errorf("yesterday: %v", at)
	}
}

func TestQuotedWordsComeBack(t *testing.T) {
	want := []string{"sh", "-c", `echo "a b" 'c' \ $x`, ""}
	if got, err := pytext.Words(Quote(want...)); err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q, %v", got, err)
	}
}

// A program may print much more than a pipe holds while its input is as long.
func TestStudentsProgramWithLongInputAndOutput(t *testing.T) {
	dir := t.TempDir()
	router, err := mainsock.Listen(filepath.Join(dir, "main.sock"), os.Geteuid(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close()
	go echo(t, dir, router)
	text := strings.Repeat("0123456789", 100000)
	out, err := Student{Args: []string{"cat", "-"}, Stdin: strings.NewReader(text)}.run(t.Context(), dir)
	if err != nil || out.Code != 3 || out.Stdout != text || out.Stderr != "'cat' '-'" {
		t.Errorf("code %d, %d bytes, stderr %q, %v", out.Code, len(out.Stdout), out.Stderr, err)
	}
}

// echo is the rest of the world: a student container that prints its input.
func echo(t *testing.T, dir string, router *mainsock.Router) {
	r := <-router.Requests()
	r.Take()
	m, err := grading.Decode(r.Payload)
	if err != nil {
		t.Error(err)
		return
	}
	say(r.Peer, "run_student_started", "container_id", "c")
	again := <-router.Requests()
	again.Take()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(dir, m.(*grading.RunStudent).SocketID+".sock"), Net: "unix"})
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	_, cmd, files, err := student.Join(conn)
	if err != nil {
		t.Error(err)
		return
	}
	files[2].WriteString(*cmd.Command)
	if _, err := files[1].ReadFrom(files[0]); err != nil {
		t.Error(err)
	}
	for _, f := range files {
		f.Close()
	}
	say(r.Peer, "run_student_retval", "retval", pyjson.Int("3"))
}

func say(p *mainsock.Peer, kind, key string, value any) {
	o := new(pyjson.Object)
	o.Set("type", kind)
	o.Set(key, value)
	p.Reply(pyjson.AppendMsgpack(nil, o), nil)
}
