package app

import (
	"bufio"
	"fmt"
	"io"
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
// INGINIOUS_BACKEND_QUEUE_LIMIT=100 or, shorter, queue-limit=100. A file that
// systemd reads with EnvironmentFile= is thus read the same by --config.
func lines(name string) kong.ConfigurationLoader {
	prefix := strings.ToLower(strings.ReplaceAll(name, "-", "_")) + "_"
	return func(r io.Reader) (kong.Resolver, error) {
		values := map[string]string{}
		scan := bufio.NewScanner(r)
		for n := 1; scan.Scan(); n++ {
			line := strings.TrimSpace(scan.Text())
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			key, value, ok := strings.Cut(line, "=")
			if !ok {
				return nil, fmt.Errorf("line %d: want FLAG=VALUE", n)
			}
			key = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(key)), "-", "_")
			values[strings.TrimPrefix(key, prefix)] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
		if err := scan.Err(); err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		return resolver(values), nil
	}
}

// resolver gives kong the values of a file, by flag. kong would let them win
// over the environment.
func resolver(values map[string]string) kong.ResolverFunc {
	return func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if slices.ContainsFunc(flag.Envs, isSet) {
			return nil, nil
		}
		value, ok := values[strings.ReplaceAll(flag.Name, "-", "_")]
		if !ok {
			return nil, nil
		}
		return value, nil
	}
}

func isSet(env string) bool {
	_, ok := os.LookupEnv(env)
	return ok
}
