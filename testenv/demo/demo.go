package demo

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

//go:embed demo.yaml
var table []byte

//go:embed tasks
var tasks embed.FS

// Table is demo.yaml.
type Table struct {
	EnvironmentType string `yaml:"environment_type"`
	Environment     string `yaml:"environment"`
	Course          string `yaml:"course"`
	Cases           []Case `yaml:"cases"` // quick ones first
}

// Case is one submission and what it must give.
type Case struct {
	Task            string         `yaml:"task"`
	Shows           string         `yaml:"shows"`
	EnvironmentType string         `yaml:"environment_type"` // and Environment: in place of the table's
	Environment     string         `yaml:"environment"`
	Limits          Limits         `yaml:"limits"`
	Inputs          map[string]any `yaml:"inputs"` // a text, or a list of them
	Expect          Expect         `yaml:"expect"`
}

// Limits are the limits of a submission: seconds of CPU time, seconds of wall
// clock time, MiB.
type Limits struct {
	Time     int64 `yaml:"time"`
	HardTime int64 `yaml:"hard_time"`
	Memory   int64 `yaml:"memory"`
}

// Expect is a result. Text and State are not checked where they are empty.
type Expect struct {
	Status string  `yaml:"status"`
	Grade  float64 `yaml:"grade"`
	Text   string  `yaml:"text"`
	State  string  `yaml:"state"`
}

// Load reads the table.
func Load() (Table, error) {
	var t Table
	if err := yaml.Unmarshal(table, &t); err != nil {
		return Table{}, fmt.Errorf("read demo.yaml: %w", err)
	}
	return t, nil
}

// WriteTable writes demo.yaml, which "ingot demo" reads, to path.
func WriteTable(path string) error {
	if err := os.WriteFile(path, table, 0o644); err != nil {
		return fmt.Errorf("install the demo course: %w", err)
	}
	return nil
}

// Install writes the course to a directory of courses: dir/demo/hello/run and so on.
func Install(dir string) error {
	err := fs.WalkDir(tasks, "tasks", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("tasks", path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		b, err := tasks.ReadFile(path)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if d.Name() == "run" {
			mode = 0o755
		}
		return os.WriteFile(to, b, mode)
	})
	if err != nil {
		return fmt.Errorf("install the demo course: %w", err)
	}
	return nil
}
