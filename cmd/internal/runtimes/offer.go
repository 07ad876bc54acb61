package runtimes

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/agent/sandbox"
	"github.com/ingot-grading/ingot/agent/sandbox/ctrd"
	"github.com/ingot-grading/ingot/oci"
)

// ErrNone is why an agent has nothing to offer.
var ErrNone = errors.New("no OCI runtime is installed: install crun or runc")

// known are the environment types of webapps (PROTOCOL.md 4.1).
var known = []string{"docker", "kata", "nvidia"}

// Look reports what a runtime lacks to be used here; nil: nothing. The zero
// Binary of a runtime for runc's handler is filled in.
type Look func(*oci.Runtime) error

// Here looks at this machine. dirs describe devices; nil: those of CDI.
func Here(dirs []string) Look {
	return func(r *oci.Runtime) error {
		look := func() error {
			return ctrd.Installed(sandbox.Handler{Name: r.Handler, Binary: r.Binary, Config: r.Config}, r.Devices, dirs)
		}
		if r.Handler != "io.containerd.runc.v2" || r.Binary != "" {
			return look()
		}
		r.Binary = "crun"
		if look() == nil {
			return nil
		}
		r.Binary = "runc"
		return look()
	}
}

// Kinds are what an agent with the selection offers, at most one of each environment
// type. log is told what is left out, and why. An error says what the operator
// has to put right, or is ErrNone.
func (s Selection) Kinds(look Look, log *slog.Logger) ([]grade.Kind, error) {
	all, chosen := []oci.Runtime(s.Runtime), len(s.Runtime) > 0
	if !chosen {
		all = oci.Runtimes()
	}
	all, err := s.configured(all)
	if err != nil {
		return nil, err
	}
	var kinds []grade.Kind
	for _, r := range all {
		switch err := look(&r); {
		case err != nil && chosen:
			return nil, fmt.Errorf("--runtime %s: %w", r.Name, err)
		case err != nil:
			log.Debug("runtime not there", "runtime", r.Name, "type", r.EnvType, "err", err)
		case slices.ContainsFunc(kinds, func(k grade.Kind) bool { return k.EnvType == r.EnvType }):
			log.Info("runtime not used: another is before it", "runtime", r.Name, "type", r.EnvType)
		default:
			log.Info("runtime offered", "runtime", r.Name, "type", r.EnvType, "shared_kernel", r.SharedKernel, "root", r.Root)
			if !slices.Contains(known, r.EnvType) {
				log.Warn("webapps do not know this environment type", "type", r.EnvType, "known", known)
			}
			kinds = append(kinds, grade.Kind{EnvType: r.EnvType, Runtime: r})
		}
	}
	if len(kinds) == 0 {
		return nil, ErrNone
	}
	return kinds, nil
}

// configured gives runtimes their configuration files.
func (s Selection) configured(all []oci.Runtime) ([]oci.Runtime, error) {
	all = slices.Clone(all)
	for _, name := range slices.Sorted(maps.Keys(s.RuntimeConfig)) {
		file, used := s.RuntimeConfig[name], false
		if info, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("--runtime-config %s: %w", name, err)
		} else if info.IsDir() {
			return nil, fmt.Errorf("--runtime-config %s: %s is a directory", name, file)
		}
		for i := range all {
			if all[i].Name != name {
				continue
			}
			if all[i].Handler == "io.containerd.runc.v2" {
				return nil, fmt.Errorf("--runtime-config %s: programs like runc have no configuration file", name)
			}
			all[i].Config, used = file, true
		}
		if !used {
			return nil, fmt.Errorf("--runtime-config %s: there is no --runtime %s", name, name)
		}
	}
	return all, nil
}
