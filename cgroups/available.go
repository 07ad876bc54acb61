package cgroups

import (
	"fmt"
	"os"
	"path"
	"strings"
)

// Available lists the controllers that this host's hierarchy has to give,
// whether or not they are enabled for anybody. Errors wrap [ErrHost] if it has
// no version 2 hierarchy.
func Available() ([]string, error) {
	at, err := findPlace("")
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path.Join(at.mount, "cgroup.controllers"))
	if err != nil {
		return nil, fmt.Errorf("cgroups: list controllers: %w", err)
	}
	return strings.Fields(string(b)), nil
}
