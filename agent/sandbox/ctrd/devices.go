package ctrd

import (
	"encoding/json"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"tags.cncf.io/container-device-interface/pkg/cdi"

	"github.com/ingot-grading/ingot/agent/sandbox"
)

// inject returns the specification with the devices in it, as files below dirs
// describe them; nil: those of CDI. The files are the operator's, and are read
// each time: drivers write them anew. oci is not changed.
func inject(oci *specs.Spec, devices, dirs []string) (*specs.Spec, error) {
	if len(devices) == 0 {
		return oci, nil
	}
	var full specs.Spec
	text, err := json.Marshal(oci)
	if err == nil {
		err = json.Unmarshal(text, &full)
	}
	if err != nil {
		return nil, fmt.Errorf("copy specification: %w", err)
	}
	options := []cdi.Option{cdi.WithAutoRefresh(false)}
	if dirs != nil {
		options = append(options, cdi.WithSpecDirs(dirs...))
	}
	known, err := cdi.NewCache(options...)
	if err != nil {
		return nil, fmt.Errorf("read device descriptions: %w", err)
	}
	if _, err := known.InjectDevices(&full, devices...); err != nil {
		return nil, fmt.Errorf("%w: %w", sandbox.ErrNoDevice, err)
	}
	return &full, nil
}
