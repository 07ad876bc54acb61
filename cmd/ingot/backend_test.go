package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Whoever has the settings of an agent in their environment does not send jobs to
// the address for agents: no variable of ingot's is set there for something else.
func TestVariablesAreNotThoseOfUnits(t *testing.T) {
	var settings strings.Builder
	files, err := filepath.Glob("../*/*.env")
	if err != nil || len(files) == 0 {
		t.Fatalf("no example configuration: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		settings.WriteString("\n" + strings.ReplaceAll(string(text), "\n#", "\n"))
	}
	n := 0
	for _, command := range kong.Must(new(cli)).Model.Leaves(false) {
		for _, flag := range command.Flags {
			for _, env := range flag.Envs {
				n++
				if strings.Contains(settings.String(), "\n"+env+"=") {
					t.Errorf("%s: --%s is %s, which is a setting of units", command.Path(), flag.Name, env)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no flag has a variable")
	}
}
