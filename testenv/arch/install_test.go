package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// "make install" brings new programs and leaves what an operator has set;
// "make uninstall" takes the programs and leaves that too.
func TestInstallKeepsSettings(t *testing.T) {
	for _, prefix := range []string{"/usr", "/usr/local"} {
		t.Run(prefix, func(t *testing.T) { testInstall(t, prefix) })
	}
}

func testInstall(t *testing.T, prefix string) {
	built, to := t.TempDir(), t.TempDir()
	for _, name := range []string{"inginious-backend", "inginious-agent-containerd", "inginious-agent-mcq", "ingot", "ingot-init", "ingot-template"} {
		if err := os.WriteFile(filepath.Join(built, name), []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run := func(target string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "make", "-C", "../..", target, "GO=true", "BIN="+built, "DESTDIR="+to, "PREFIX="+prefix)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make %s: %v\n%s", target, err, out)
		}
		return string(out)
	}
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(to, name))
		return err == nil
	}
	says := func(name, what string) {
		t.Helper()
		if text, err := os.ReadFile(filepath.Join(to, name)); err != nil || !strings.Contains(string(text), "="+prefix+what) {
			t.Errorf("%s does not name %s: %v", name, prefix+what, err)
		}
	}
	program, unit, settings := prefix+"/bin/inginious-backend", prefix+"/lib/systemd/system/inginious-agent-mcq.service", "etc/ingot/inginious-backend.env"

	run("install")
	says(unit, "/bin/inginious-agent-mcq ")
	says("etc/ingot/inginious-agent-containerd.env", "/lib/ingot/ingot-init\n")
	if again := run("install"); strings.Contains(again, "is yours") || !exists(program) || !exists(settings) || !exists(unit) {
		t.Errorf("installed twice: %s", again)
	}
	if err := os.WriteFile(filepath.Join(to, settings), []byte("queue_limit=7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := run("install")
	if text, err := os.ReadFile(filepath.Join(to, settings)); err != nil || string(text) != "queue_limit=7\n" {
		t.Errorf("settings after an upgrade: %q, %v", text, err)
	}
	if !strings.Contains(said, settings+" is yours") || !exists(settings+".new") || exists("etc/ingot/inginious-agent-mcq.env.new") {
		t.Errorf("the upgrade said: %s", said)
	}
	run("uninstall")
	if exists(program) || exists(prefix+"/lib/ingot") || exists(unit) || !exists(settings) {
		t.Error("uninstalled too little or too much")
	}
}
