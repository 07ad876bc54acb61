package wiretest

import (
	"fmt"
	"os"
	"path/filepath"
)

// CaseFiles returns the files in the folder that the environment variable
// INGOT_CASES names, whose names match pattern: recordings that tests run beside
// their own. There are none if it is not set; the folder must exist if it is.
func CaseFiles(pattern string) ([]string, error) {
	dir := os.Getenv("INGOT_CASES")
	if dir == "" {
		return nil, nil
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("look for %s: %w", pattern, err)
	}
	return filepath.Glob(filepath.Join(dir, pattern))
}
