package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/containerd/go-cni"
	"github.com/coreos/go-iptables/iptables"
	"golang.org/x/sys/unix"
)

// prefix begins the names of all agents' bridges. A name of an interface has 15
// bytes at most.
const prefix = "ingot"

// patience is how long plugins may take for one job. They take milliseconds, or
// wait for others who change the machine's rules.
const patience = 30 * time.Second

var errPatience = errors.New("the CNI plugins did not end in time")

// Net gives jobs their networks. Its methods may be called from any goroutine.
type Net struct {
	config  Config
	lock    *os.File
	state   string // real and absolute
	name    string // of the CNI network and the bridge, and in those of the chains
	gateway netip.Addr
	plain   cni.CNI // for jobs that publish no ports: it spares two processes
	publish cni.CNI
	ipt     *iptables.IPTables
	ports   *pool

	asking sync.Mutex
	asked  []netip.Addr // resolvers that the rules let through
}

// Open locks the state directory, removes what an earlier life left, and makes
// the bridge and its rules. It needs root. [ErrUnavailable] if this machine
// lacks what networks need, [ErrInUse] if another agent has the directory.
func Open(ctx context.Context, c Config) (_ *Net, err error) {
	if err := c.fill(); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	n := &Net{config: c, gateway: c.Subnet.Addr().Next(), ports: newPool(c.Ports)}
	if n.ipt, err = examine(c.Plugins); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	if err := n.takeState(); err != nil {
		return nil, fmt.Errorf("network: state: %w", err)
	}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("network: %w", err), n.lock.Close())
	}
	return n, nil
}

// Close removes what is there for all jobs, and jobs' networks that are left. It
// comes after the last call of other methods.
func (n *Net) Close() error {
	if err := errors.Join(n.clear(context.Background()), n.lock.Close()); err != nil {
		return fmt.Errorf("network: close: %w", err)
	}
	return nil
}

// Subnet is the network of all jobs.
func (n *Net) Subnet() netip.Prefix { return n.config.Subnet }

// takeState makes the state directory, names it and locks it.
func (n *Net) takeState() error {
	if n.config.State == "" {
		return fmt.Errorf("%w: no name", os.ErrInvalid)
	}
	if err := os.MkdirAll(filepath.Join(n.config.State, "namespaces"), 0o700); err != nil {
		return err
	}
	state, err := filepath.EvalSymlinks(n.config.State)
	if err != nil {
		return err
	}
	if n.state, err = filepath.Abs(state); err != nil {
		return err
	}
	n.name = fmt.Sprintf(prefix+"%08x", crc32.ChecksumIEEE([]byte(n.state)))
	n.lock, err = os.OpenFile(filepath.Join(n.state, "lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	err = unix.Flock(int(n.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) // let go by the kernel if the agent dies
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("%w: %s", ErrInUse, n.state)
	}
	if err != nil {
		return errors.Join(err, n.lock.Close())
	}
	return nil
}

func (n *Net) start(ctx context.Context) error {
	if err := n.configure(); err != nil {
		return fmt.Errorf("configure plugins: %w", err)
	}
	if err := n.clear(ctx); err != nil {
		return fmt.Errorf("remove what is left: %w", err)
	}
	if err := n.checkSubnet(); err != nil {
		return err
	}
	found, err := resolvers(resolverFiles)
	if err != nil || len(found) == 0 {
		n.config.Log.Warn("jobs with a network cannot look up names: no name server has an IPv4 address that they reach", "files", resolverFiles, "err", err)
	}
	if err := n.begin(found); err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrUnavailable, err), n.clear(context.WithoutCancel(ctx)))
	}
	return nil
}

// begin makes what is there for all jobs. The rules are there before the bridge
// is.
func (n *Net) begin(resolvers []netip.Addr) error {
	if err := n.addRules(); err != nil {
		return err
	}
	if err := n.letAsk(resolvers); err != nil {
		return err
	}
	return n.makeBridge()
}

// clear removes everything that bears our name.
func (n *Net) clear(ctx context.Context) error {
	jobs, err := os.ReadDir(filepath.Join(n.state, "namespaces"))
	if err != nil {
		return err
	}
	// portmap removes a job's ports whichever it is told, but not without any.
	unknown := []cni.PortMapping{{HostPort: 1, ContainerPort: 1, Protocol: "tcp"}}
	for _, job := range jobs {
		if err := n.disconnect(ctx, job.Name(), unknown); err != nil {
			return err
		}
	}
	if len(jobs) > 0 {
		n.config.Log.Warn("removed networks of jobs that are gone", "count", len(jobs))
	}
	return errors.Join(n.removeBridge(), n.removeRules(), os.RemoveAll(n.leases()))
}

func (n *Net) leases() string { return filepath.Join(n.state, "leases") }

func (n *Net) pin(id string) string { return filepath.Join(n.state, "namespaces", id) }

// configure prepares the plugins, in a version of CNI that they have known since
// 2019. The machine's side of the bridge has its address before the plugin sees
// it; the plugin masquerades nothing, as a rule for all jobs does.
func (n *Net) configure() (err error) {
	type object = map[string]any
	bridge := object{
		"type": "bridge", "bridge": n.name, "isGateway": true,
		"ipam": object{
			"type": "host-local", "dataDir": n.leases(),
			"ranges": [][]object{{{"subnet": n.config.Subnet.String(), "gateway": n.gateway.String()}}},
			"routes": []object{{"dst": "0.0.0.0/0"}},
		},
	}
	portmap := object{"type": "portmap", "snat": false, "capabilities": object{"portMappings": true}}
	load := func(plugins ...object) (cni.CNI, error) {
		list, err := json.Marshal(object{"cniVersion": "0.4.0", "name": n.name, "plugins": plugins})
		if err != nil {
			return nil, err
		}
		return cni.New(cni.WithPluginDir(n.config.Plugins), cni.WithConfListBytes(list))
	}
	if n.plain, err = load(bridge); err != nil {
		return err
	}
	n.publish, err = load(bridge, portmap)
	return err
}

func (n *Net) plugins(mappings []cni.PortMapping) cni.CNI {
	if len(mappings) == 0 {
		return n.plain
	}
	return n.publish
}

// Available reports whether a machine has what networks need, and changes
// nothing. plugins are as in [Config]. It needs root. The error is
// [ErrUnavailable] and says what to install.
func Available(plugins []string) error {
	c := Config{Plugins: plugins}
	if err := c.fill(); err != nil {
		return err
	}
	_, err := examine(c.Plugins)
	return err
}

func examine(dirs []string) (*iptables.IPTables, error) {
	for _, plugin := range []string{"bridge", "host-local", "portmap"} {
		if !installed(dirs, plugin) {
			return nil, fmt.Errorf("%w: there is no CNI plugin %q in %s: install containernetworking-plugins",
				ErrUnavailable, plugin, strings.Join(dirs, " or "))
		}
	}
	ipt, err := iptables.New()
	if err != nil {
		return nil, fmt.Errorf("%w: install iptables: %w", ErrUnavailable, err)
	}
	if _, err := ipt.ListChains("nat"); err != nil {
		return nil, fmt.Errorf("%w: iptables does not work: %w", ErrUnavailable, err)
	}
	return ipt, nil
}

func installed(dirs []string, plugin string) bool {
	for _, dir := range dirs {
		if st, err := os.Stat(filepath.Join(dir, plugin)); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}
