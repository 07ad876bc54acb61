package app

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// envPrefix returns what the environment variables of a program begin with.
func envPrefix(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// lines returns a reader of configuration files: lines of the form
// queue_limit=100. Names in capitals are for others, such as systemd, which can
// read the same file with EnvironmentFile=, and are passed over.
func lines(r io.Reader) (kong.Resolver, error) {
	values := fileValues{file: fileName(r), of: map[string]string{}}
	scan := bufio.NewScanner(r)
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("%s, line %d: want FLAG=VALUE", values.file, n)
		}
		key = strings.ReplaceAll(strings.TrimSpace(key), "_", "-")
		if key == strings.ToUpper(key) {
			continue
		}
		values.of[key] = strings.Trim(strings.TrimSpace(value), `"'`)
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", values.file, err)
	}
	return values, nil
}

// fileName is what messages call the file that r reads.
func fileName(r io.Reader) string {
	if f, ok := r.(*os.File); ok {
		return f.Name()
	}
	return "configuration"
}

// fileValues are the settings of a file, by the name of their flag.
type fileValues struct {
	file string
	of   map[string]string
}

// Validate implements [kong.Resolver].
func (v fileValues) Validate(program *kong.Application) error {
	unknown := maps.Clone(v.of)
	for _, flag := range program.Flags {
		delete(unknown, flag.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		return fmt.Errorf("%s: unknown setting %s", v.file, strings.ReplaceAll(name, "-", "_"))
	}
	return nil
}

// Resolve implements [kong.Resolver]. kong would let the file win over the environment.
func (v fileValues) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := v.of[flag.Name]
	if !ok || slices.ContainsFunc(flag.Envs, isSet) {
		return nil, nil
	}
	return value, nil
}

func isSet(env string) bool {
	_, ok := os.LookupEnv(env)
	return ok
}
