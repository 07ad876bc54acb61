package student

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ingot-grading/ingot/wire/frame"
	"github.com/ingot-grading/ingot/wire/wiretest"
)

// addRecorded adds what was recorded of one direction, with more behind it.
func addRecorded(f *testing.F, channel, more string) {
	f.Helper()
	for _, v := range wiretest.VectorFiles(f)[0].Vectors {
		if strings.HasPrefix(v.Channel, "unix:") && strings.Contains(v.Channel, channel) {
			f.Add(append(v.Frame(f), more...))
		}
	}
}

// Whatever arrives at a student container, and in whatever pieces, it ends with
// an error or with a command that can be sent again, and then with signals in
// their range.
func FuzzShim(f *testing.F) {
	addRecorded(f, "grading->student", "009---")
	f.Add([]byte("\x81\xa4type\xb3run_student_command12"))
	f.Add([]byte("\xde\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := Shim{in: bytes.NewReader(data)}
		cmd, err := s.receiveCommand()
		slow := Shim{in: iotest.OneByteReader(bytes.NewReader(data))}
		if _, slowErr := slow.receiveCommand(); (err == nil) != (slowErr == nil) {
			t.Fatalf("at once: %v; byte by byte: %v", err, slowErr)
		}
		if err != nil {
			return
		}
		b, err := appendTo(nil, kindCommand, &cmd)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := (&Shim{in: bytes.NewReader(b)}).receiveCommand(); err != nil || again.User != cmd.User {
			t.Fatalf("%+v became %+v, %v", cmd, again, err)
		}
		for {
			sig, err := s.Signal()
			slowSig, slowErr := slow.Signal()
			if sig != slowSig || (err == nil) != (slowErr == nil) {
				t.Fatalf("at once: %d, %v; byte by byte: %d, %v", sig, err, slowSig, slowErr)
			}
			if err != nil {
				return
			}
			if sig < 0 || sig > 999 {
				t.Fatalf("signal %d", sig)
			}
		}
	})
}

// Whatever a student container sends as a login is refused or can be sent again.
func FuzzLogin(f *testing.F) {
	addRecorded(f, "student->grading", "")
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		login, err := (&Caller{logins: frame.NewReader(bytes.NewReader(data), maxLogin)}).Login()
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := (&Shim{out: &b}).Login(login); err != nil {
			t.Fatal(err)
		}
		if again, err := (&Caller{logins: frame.NewReader(&b, maxLogin)}).Login(); err != nil || again != login {
			t.Fatalf("%+v became %+v, %v", login, again, err)
		}
	})
}
