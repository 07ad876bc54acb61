package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/ingot-grading/ingot/agent/grade"
	"github.com/ingot-grading/ingot/cgroups"
)

// loadPrograms loads what helps the executor from within the kernel. Where the
// kernel refuses, that is said once, and jobs are graded without. Without
// networks for jobs there is nothing to guard.
func loadPrograms(cfg *grade.Config, ground *stack, log *slog.Logger) {
	var lacks []error
	if cfg.Network != nil {
		guards, err := cgroups.LoadGuards()
		if err == nil {
			cfg.Guards = guards
			ground.push(guards.Close)
		} else {
			lacks = append(lacks, fmt.Errorf("what jobs with a network send is not counted, and only netfilter keeps them off this machine: %w", err))
		}
	}
	victims, err := cgroups.WatchVictims()
	if err == nil {
		cfg.Victims = victims
		ground.push(victims.Close)
	} else {
		lacks = append(lacks, fmt.Errorf("who is killed for want of memory is not named: %w", err))
	}
	if len(lacks) > 0 {
		log.Warn("the kernel takes no programs", "err", errors.Join(lacks...))
	}
}
