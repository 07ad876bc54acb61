//go:build native

package guest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/guest/pyjson"
	"github.com/ingot-grading/ingot/wire/frame"
)

// mainCase is one job of the main process.
type mainCase struct {
	Name        string            `json:"name"`
	Start       json.RawMessage   `json:"start"`
	FramesIn    []json.RawMessage `json:"frames_in"`
	FilesBefore map[string]blob   `json:"files_before"`
	Links       map[string]string `json:"links"`
	Modes       map[string]string `json:"modes"`
	Args        []string          `json:"args"`
	Match       string            `json:"match"`
	Quirk       string            `json:"quirk"`
	Requires    string            `json:"requires"`
	mainOutcome
}

// mainOutcome is what a job gave.
type mainOutcome struct {
	Why     string                     `json:"why,omitempty"`
	Result  json.RawMessage            `json:"result"`
	Members []member                   `json:"archive_members"`
	After   map[string]json.RawMessage `json:"after,omitempty"`
}

// member is a file in the archive.
type member struct {
	Name string  `json:"name"`
	Type string  `json:"type"`
	Mode string  `json:"mode"`
	UID  int     `json:"uid"`
	GID  int     `json:"gid"`
	B64  *string `json:"b64,omitempty"`
	Link string  `json:"link,omitempty"`
}

const mendedMain = "testdata/mended_main.json"

func TestBuiltProgramDoesRecordedJobs(t *testing.T) {
	needRoot(t)
	privateMounts(t)
	bin := programs(t)
	b, err := os.ReadFile(mendedMain)
	if err != nil {
		t.Fatal(err)
	}
	ours := decodeLine[map[string]mainOutcome](t, b)
	eachCase(t, "toolkit_main_cases", func(c mainCase) {
		if c.Requires != "" {
			return // the image's Python does these: see the guide
		}
		got := runMain(t, c, bin)
		want, isOurs := ours[c.Name]
		if !isOurs {
			want = c.mainOutcome
		}
		if why := differ(c, want, got); why != "" {
			if *mend {
				got.Why = c.Quirk
				ours[c.Name] = got
				return
			}
			t.Errorf("%s: %s", c.Name, why)
		}
	})
	if *mend {
		b, err := json.MarshalIndent(ours, "", " ")
		if err := errors.Join(err, os.WriteFile(mendedMain, append(b, '\n'), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// privateMounts keeps the mounts of the test from the rest of the machine. The
// thread is not given back: it ends with the test.
func privateMounts(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	err := errors.Join(unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_FS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	if err != nil {
		t.Fatal(err)
	}
}

// makeRoot makes a root directory with the machine's shell and tools, which are
// read-only in it, and ingot-init. The caller must call the function returned.
func makeRoot(t *testing.T, bin string) (root string, undo func()) {
	t.Helper()
	root = t.TempDir()
	for _, d := range []string{"usr", "dev", "etc", "tmp", "root", "task", "sockets", "archive", ".__output", "course/common", "sys/fs/cgroup"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	linkAll(t, bin, root+"/ingot")
	for _, link := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+link, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	null, err := os.Create(root + "/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	null.Close()
	err = errors.Join(
		os.Chmod(root, 0o755),
		os.WriteFile(root+"/etc/hosts", []byte("127.0.0.1 localhost\n"), 0o644),
		os.WriteFile(root+"/etc/resolv.conf", []byte("nameserver 1.2.3.4\n"), 0o644),
		unix.Mount("/usr", root+"/usr", "", unix.MS_BIND, ""),
		unix.Mount("", root+"/usr", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""),
		unix.Mount("/dev/null", root+"/dev/null", "", unix.MS_BIND, ""))
	undo = func() {
		unix.Unmount(root+"/dev/null", unix.MNT_DETACH)
		if err := unix.Unmount(root+"/usr", unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
	}
	if err != nil {
		undo()
		t.Fatal(err)
	}
	return root, undo
}

func runMain(t *testing.T, c mainCase, bin string) mainOutcome {
	t.Helper()
	root, undo := makeRoot(t, bin)
	defer undo()
	place(t, root, c.FilesBefore)
	for path, target := range c.Links {
		if err := os.Symlink(target, root+path); err != nil {
			t.Fatal(err)
		}
	}
	for path, mode := range c.Modes {
		m, err := strconv.ParseUint(mode, 8, 32)
		if err := errors.Join(err, os.Chmod(root+path, fs.FileMode(m))); err != nil {
			t.Fatal(err)
		}
	}
	var stdin, stdout, stderr bytes.Buffer
	w := frame.NewWriter(&stdin)
	if c.Start != nil {
		c.FramesIn = append(c.FramesIn, c.Start)
	}
	for _, f := range c.FramesIn {
		v, err := pyjson.Parse(string(f))
		if err := errors.Join(err, w.Write(pack(nil, v))); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/ingot/INGInious", c.Args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &stdin, &stdout, &stderr
	cmd.Env = []string{"PATH=/ingot:/usr/bin:/bin", "HOME=/root", "DEBUGGER=False", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Cloneflags: syscall.CLONE_NEWPID}
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v: %s", c.Name, err, stderr.String())
	}
	return readOutcome(t, c, root, &stdout)
}

// pack is msgpack of a recorded value, with bytes and keys that are no text.
func pack(b []byte, v any) []byte {
	switch v := v.(type) {
	case []any:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for _, e := range v {
			b = pack(b, e)
		}
		return b
	case *pyjson.Object:
		if data, ok := v.Get("$b64"); ok {
			raw, _ := base64.StdEncoding.DecodeString(data.(string))
			return msgp.AppendBytes(b, raw)
		}
		if pairs, ok := v.Get("$map"); ok {
			b = msgp.AppendMapHeader(b, uint32(len(pairs.([]any))))
			for _, p := range pairs.([]any) {
				b = pack(pack(b, p.([]any)[0]), p.([]any)[1])
			}
			return b
		}
		b = msgp.AppendMapHeader(b, uint32(v.Len()))
		for _, k := range v.Keys() {
			e, _ := v.Get(k)
			b = pack(msgp.AppendString(b, k), e)
		}
		return b
	}
	return pyjson.AppendMsgpack(b, v)
}

func readOutcome(t *testing.T, c mainCase, root string, stdout io.Reader) mainOutcome {
	t.Helper()
	o := mainOutcome{Result: json.RawMessage("null"), After: make(map[string]json.RawMessage)}
	f, err := frame.NewReader(stdout, 1<<28).Next()
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	v, err := pyjson.FromMsgpack(f)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	kept := new(pyjson.Object)
	result, _ := v.(*pyjson.Object).Get("result")
	for _, k := range result.(*pyjson.Object).Keys() {
		e, _ := result.(*pyjson.Object).Get(k)
		if k == "archive" {
			o.Members = members(t, e.(string))
		} else {
			kept.Set(k, e)
		}
	}
	if o.Result, err = pyjson.Append(nil, kept); err != nil {
		t.Fatal(err)
	}
	o.Result = bytes.ReplaceAll(o.Result, []byte("NaN"), []byte(`{"$float": "nan"}`))
	for path := range c.After {
		o.After[path] = stat(t, root+path)
	}
	return o
}

func members(t *testing.T, text string) (out []member) {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[byte]string{tar.TypeReg: "file", tar.TypeDir: "dir", tar.TypeSymlink: "symlink", tar.TypeLink: "hardlink", tar.TypeFifo: "fifo"}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		m := member{Name: strings.TrimSuffix(h.Name, "/"), Type: kinds[h.Typeflag], Mode: strconv.FormatInt(h.Mode, 8), UID: h.Uid, GID: h.Gid, Link: h.Linkname}
		if h.Typeflag == tar.TypeReg {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			s := base64.StdEncoding.EncodeToString(b)
			m.B64 = &s
		}
		out = append(out, m)
	}
}

func stat(t *testing.T, path string) json.RawMessage {
	t.Helper()
	st, err := os.Lstat(path)
	if err != nil {
		return json.RawMessage(fmt.Sprintf("%q", err))
	}
	sys := st.Sys().(*syscall.Stat_t)
	o := map[string]any{"mode": strconv.FormatUint(uint64(sys.Mode&0o7777), 8), "uid": sys.Uid, "gid": sys.Gid}
	if st.IsDir() {
		names := []string{}
		entries, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		o["list"] = names
	} else {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o["content"] = blob(b)
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// differ says in what the outcomes differ.
func differ(c mainCase, want, got mainOutcome) string {
	sameResult := equalJSON(freeReason(want.Result), freeReason(got.Result))
	if !sameResult {
		return fmt.Sprintf("result\n got %s\nwant %s", got.Result, want.Result)
	}
	if !slices.EqualFunc(want.Members, got.Members, func(a, b member) bool { return memberText(a) == memberText(b) }) {
		return fmt.Sprintf("archive\n got %v\nwant %v", got.Members, want.Members)
	}
	for _, path := range slices.Sorted(maps.Keys(want.After)) {
		if !equalJSON(want.After[path], got.After[path]) {
			return fmt.Sprintf("%s\n got %s\nwant %s", path, got.After[path], want.After[path])
		}
	}
	return ""
}

// freeReason takes the reason out of a result that says why there is none.
func freeReason(result json.RawMessage) json.RawMessage {
	prefix, _, broken := bytes.Cut(result, []byte("Exception occured in container ("))
	_, rest, ok := bytes.Cut(result, []byte(`)"`))
	if !broken || !ok {
		return result
	}
	return slices.Concat(prefix, []byte(`"`), rest)
}

func memberText(m member) string {
	b, err := json.Marshal(m)
	return fmt.Sprintf("%s %v", b, err)
}

func equalJSON(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}
