package grade

import (
	"context"
	"errors"
	"fmt"

	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/oci"
	"github.com/ingot-grading/ingot/wire"
)

// join gives the job a network, if it is to have one. Only here does a job get a
// way out of its containers: its group exists and nothing runs in it yet.
func (j *job) join(ctx context.Context) (err error) {
	if !j.access.network {
		return nil
	}
	if j.network, err = j.attach(ctx, graderName, j.access.ports); err != nil {
		return err
	}
	if j.spec.Debug == wire.DebugSSH {
		j.sshPort, _ = j.network.Published(sshPort)
	}
	return nil
}

// attach makes a network for a container of the job and publishes ports of it.
// The caller must remove it, after the container; also one that comes with an error.
func (j *job) attach(ctx context.Context, container string, ports []uint16) (*network.Attachment, error) {
	a, err := j.e.cfg.Network.Join(ctx, j.containerID(container), ports)
	switch {
	case errors.Is(err, network.ErrNoPorts):
		return nil, refuse(err, "No ports are available on this agent. Please retry later.")
	case err != nil:
		return nil, refuse(err, "Cannot connect the container to the network.")
	}
	if err := j.guarded(a); err != nil {
		return a, refuse(err, "Cannot connect the container to the network.")
	}
	return a, nil
}

// connected puts a container into a network; nil is one of its own that leads
// nowhere.
func connected(a *network.Attachment) []oci.Option {
	if a == nil {
		return nil
	}
	return []oci.Option{oci.JoinNetwork(a.Path())}
}

// disconnect removes a network whose containers are gone. Its ports are free
// again then.
func disconnect(ctx context.Context, a *network.Attachment) error {
	if a == nil {
		return nil
	}
	if err := a.Remove(ctx); err != nil {
		return fmt.Errorf("remove the network: %w", err)
	}
	return nil
}
