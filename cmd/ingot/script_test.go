package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this program as a command of its own.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"ingot": main}) }

// The command line as people see it: testdata/script holds a session per file.
func TestScripts(t *testing.T) { testscript.Run(t, testscript.Params{Dir: "testdata/script"}) }
