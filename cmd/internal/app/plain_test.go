package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCredentialsOfAFile(t *testing.T) {
	if c, err := (Plain{}).Credentials(); c != nil || err != nil {
		t.Errorf("without a file: %v, %v", c, err)
	}
	file := filepath.Join(t.TempDir(), "plain")
	for text, want := range map[string]string{
		"agent:secret\n": "secret", "agent:a:b": "a:b", "agent:x\r\n": "x",
		"": "", "agent": "", ":secret": "", "agent:": "", "agent:a\nother:b\n": "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Plain{file}.Credentials()
		if want == "" {
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: got %v, %v; want an error without the password", text, c, err)
			}
			continue
		}
		if err != nil || c.User != "agent" || c.Password != want {
			t.Errorf("%q: got %v, %v", text, c, err)
		}
	}
	if _, err := (Plain{file + "none"}).Credentials(); err == nil {
		t.Error("a missing file was taken for none")
	}
}
