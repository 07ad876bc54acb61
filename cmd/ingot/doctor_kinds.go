package main

import (
	"fmt"

	"github.com/ingot-grading/ingot/cmd/internal/runtimes"
	"github.com/ingot-grading/ingot/oci"
)

// optional are the runtimes that few graders need, with what they are good for.
var optional = []struct{ name, use, todo string }{
	{"kata", "students as root, in virtual machines", "install kata-containers"},
	{"runsc", "students as root, on a kernel that is a program", "install runsc and containerd-shim-runsc-v1 of gVisor"},
	{"nvidia", "tasks with a GPU", "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"},
}

// lacking finds out what keeps an agent here from offering the optional runtimes.
func lacking(look runtimes.Look) map[string]error {
	errs := map[string]error{}
	for _, o := range optional {
		r, _ := oci.FindRuntime(o.name)
		errs[o.name] = look(&r)
	}
	return errs
}

// judgeOptional never asks for what most machines do well without.
func judgeOptional(lacking map[string]error) []finding {
	var all []finding
	for _, o := range optional {
		r, _ := oci.FindRuntime(o.name)
		if err := lacking[o.name]; err != nil {
			all = append(all, finding{ok, fmt.Sprintf("no environments on %s (type %s; for %s): %v; if wanted, %s", o.name, r.EnvType, o.use, err, o.todo), ""})
		} else {
			all = append(all, finding{ok, fmt.Sprintf("environments on %s (type %s; for %s) are offered", o.name, r.EnvType, o.use), ""})
		}
	}
	return all
}
