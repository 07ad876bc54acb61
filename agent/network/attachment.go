package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/containerd/go-cni"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Attachment is a job's network. Its methods may be called from any goroutine.
type Attachment struct {
	net       *Net
	id        string
	mappings  []cni.PortMapping
	addresses []netip.Addr
	resolvers []netip.Addr

	mu   sync.Mutex
	lent []lent // until they are back
	gone bool
}

// Join makes the network of a job. id is unique among living jobs and has only
// letters, digits, '.', '-' and '_', the first one a letter or digit. ports are
// TCP ports of the job to publish, each at an external port of its own; nil
// publishes none. [ErrNoPorts] if too few external ports are free. If it fails
// nothing is left, or it is left to the next Open. Once begun, it goes on to the
// end for some milliseconds whatever becomes of ctx: plugins that are
// interrupted leave things behind.
func (n *Net) Join(ctx context.Context, id string, ports []uint16) (*Attachment, error) {
	a, err := n.join(ctx, id, ports)
	if err != nil {
		return nil, fmt.Errorf("network: join: %w", err)
	}
	return a, nil
}

func (n *Net) join(ctx context.Context, id string, ports []uint16) (_ *Attachment, err error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ctx = context.WithoutCancel(ctx)
	ports = slices.Compact(slices.Sorted(slices.Values(ports)))
	a := &Attachment{net: n, id: id}
	if a.lent, err = n.ports.take(len(ports)); err != nil {
		return nil, err
	}
	for i, port := range ports {
		a.mappings = append(a.mappings, cni.PortMapping{HostPort: int32(a.lent[i].port), ContainerPort: int32(port), Protocol: "tcp"})
	}
	if err := makePin(a.Path()); err != nil { // it is another job's then
		return nil, errors.Join(err, n.ports.giveBack(a.lent))
	}
	if err := a.connect(ctx); err != nil {
		return nil, errors.Join(err, a.Remove(ctx))
	}
	return a, nil
}

func (a *Attachment) connect(ctx context.Context) error {
	if err := pinNamespace(a.Path()); err != nil {
		return fmt.Errorf("make network namespace: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	result, err := a.net.plugins(a.mappings).Setup(ctx, a.id, a.Path(), cni.WithCapabilityPortMap(a.mappings))
	if err != nil {
		return fmt.Errorf("connect: %w", errors.Join(err, context.Cause(ctx)))
	}
	for name, i := range result.Interfaces {
		if i.Sandbox == "" && name != a.net.name && i.IPConfigs == nil { // the machine's end
			if err := isolate(name); err != nil {
				return err
			}
		}
		for _, c := range i.IPConfigs {
			if addr, ok := netip.AddrFromSlice(c.IP); ok {
				a.addresses = append(a.addresses, addr.Unmap())
			}
		}
	}
	if a.resolvers, err = resolvers(resolverFiles); err != nil {
		return fmt.Errorf("find resolvers: %w", err)
	}
	return a.net.letAsk(a.resolvers)
}

// Path is the network namespace, good until Remove.
func (a *Attachment) Path() string { return a.net.pin(a.id) }

// Published is the external port that leads to a port of the job. ok tells
// whether there is one.
func (a *Attachment) Published(container uint16) (external uint16, ok bool) {
	for _, m := range a.mappings {
		if m.ContainerPort == int32(container) {
			return uint16(m.HostPort), true
		}
	}
	return 0, false
}

// Addresses are the job's own, all of IPv4.
func (a *Attachment) Addresses() []netip.Addr { return slices.Clone(a.addresses) }

// Gateway is the machine as the job sees it.
func (a *Attachment) Gateway() netip.Addr { return a.net.gateway }

// Resolvers are the name servers of this machine that the job can reach, as of
// Join: all of IPv4, none on a loopback address. There may be none.
func (a *Attachment) Resolvers() []netip.Addr { return slices.Clone(a.resolvers) }

// Remove disconnects the job and gives its external ports back, these last. The
// job's processes have ended. It may be called again, and must be if it failed.
func (a *Attachment) Remove(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return nil
	}
	if err := a.net.disconnect(ctx, a.id, a.mappings); err != nil {
		return fmt.Errorf("network: remove: %w", err)
	}
	a.gone = true
	a.forget()
	if err := a.net.ports.giveBack(a.lent); err != nil {
		return fmt.Errorf("network: remove: %w", err)
	}
	return nil
}

// forget removes the job's connections from the machine's table, where they would
// stay for minutes or, if nobody closed them, for days. Where the kernel does not
// let us, they end by themselves.
func (a *Attachment) forget() {
	var filters []netlink.CustomConntrackFilter
	for _, address := range a.addresses {
		for _, of := range []netlink.ConntrackFilterType{netlink.ConntrackOrigSrcIP, netlink.ConntrackReplySrcIP} {
			f := new(netlink.ConntrackFilter)
			if f.AddIP(of, address.AsSlice()) == nil {
				filters = append(filters, f)
			}
		}
	}
	if _, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, filters...); err != nil {
		a.net.config.Log.Debug("connections of a job that is gone stay", "job", a.id, "err", err)
	}
}

// disconnect undoes connect, or what was done of it.
func (n *Net) disconnect(ctx context.Context, id string, mappings []cni.PortMapping) error {
	path := n.pin(id)
	namespace := path
	if !isNamespace(path) { // made in part, or before a reboot
		namespace = ""
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	if err := n.plugins(mappings).Remove(ctx, id, namespace, cni.WithCapabilityPortMap(mappings)); err != nil {
		return fmt.Errorf("disconnect %s: %w", id, errors.Join(err, context.Cause(ctx)))
	}
	return unpinNamespace(path)
}

func isNamespace(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.NSFS_MAGIC
}
