package oci

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// ErrChoice is the class of what is wrong with the words of a choice.
var ErrChoice = errors.New("not a choice of a runtime")

var (
	runtimeName = regexp.MustCompile(`^[A-Za-z0-9_./+][A-Za-z0-9_./+:@-]*$`)
	envTypeName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]*$`)
)

// ChooseRuntime reads how an operator chooses a runtime (PROTOCOL.md 8.2):
//
//	NAME [ENVTYPE [root] [shared]]
//
// NAME is one that [FindRuntime] knows or, with an ENVTYPE, any other: a handler
// of containerd (io.containerd.NAME.VERSION, or the path of its shim) or a
// program that takes runc's arguments, by name or path. What is known of the
// name holds unless ENVTYPE, root or shared say otherwise; of other names, that
// no kernel is shared and nobody is root. The type nvidia always has all GPUs,
// and the type kata never a shared kernel, as existing images insist on that.
//
// Errors are of class [ErrChoice] and name the word that is wrong.
func ChooseRuntime(words ...string) (Runtime, error) {
	if len(words) == 0 || !runtimeName.MatchString(words[0]) {
		return Runtime{}, fmt.Errorf("%w: want NAME [ENVTYPE [root] [shared]], have %q", ErrChoice, words)
	}
	name, words := words[0], words[1:]
	r, known := FindRuntime(name)
	if !known && len(words) == 0 {
		return Runtime{}, fmt.Errorf("%w: %s is not known; say what it is for: %s ENVTYPE [root] [shared]", ErrChoice, name, name)
	}
	if !known {
		r = Runtime{Name: name, Handler: runcShim, Binary: name}
	}
	r.run(name)
	if len(words) == 0 {
		return r, nil
	}
	if err := r.offerAs(words[0], words[1:]); err != nil {
		return Runtime{}, fmt.Errorf("%w: %s: %w", ErrChoice, name, err)
	}
	return r, nil
}

// run makes r run what name says, where that is more than the name of a rule.
func (r *Runtime) run(name string) {
	isPath := strings.Contains(name, "/")
	switch {
	case isPath && strings.HasPrefix(path.Base(name), "containerd-shim-"),
		strings.HasPrefix(name, "io.containerd.") && !strings.HasPrefix(name, "io.containerd.runc."):
		r.Handler, r.Binary = name, ""
	case isPath && r.Handler == runcShim:
		r.Binary = name
	}
}

// offerAs applies an environment type and the words after it.
func (r *Runtime) offerAs(envType string, words []string) error {
	isRule := func(rule Runtime) bool { return rule.Name == envType && rule.EnvType != envType }
	switch {
	case !envTypeName.MatchString(envType):
		return fmt.Errorf("%q cannot be an environment type", envType)
	case envType == "root" || envType == "shared":
		return fmt.Errorf("the environment type comes before %s", envType)
	case envType == "mcq":
		return errors.New("the environment type mcq is for other agents")
	case slices.ContainsFunc(rules, isRule):
		return fmt.Errorf("%s is a runtime and no environment type", envType)
	case strings.HasSuffix(envType, "-ssh"):
		return fmt.Errorf("offer it as %s: types for SSH are added to the others", strings.TrimSuffix(envType, "-ssh"))
	}
	r.EnvType, r.SSHEnvType = envType, envType+"-ssh"
	shared := false
	for i, word := range words {
		switch {
		case slices.Contains(words[:i], word):
			return fmt.Errorf("%s is there twice", word)
		case word == "root":
			r.Root = true
		case word == "shared":
			shared = true
		default:
			return fmt.Errorf("%q is neither root nor shared", word)
		}
	}
	if envType == "kata" && shared {
		return errors.New("containers of the type kata share no kernel")
	}
	r.SharedKernel = envType != "kata" && (r.SharedKernel || shared)
	switch {
	case !r.SharedKernel:
		r.Told = toldRelayed
	case r.Told == "" || r.Told == toldRelayed:
		r.Told = toldShared
	}
	if envType == "nvidia" {
		r.GPU, r.Devices = true, []string{gpus}
	}
	return nil
}
