package zmtp

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// address is a parsed endpoint. Host is the path for "ipc".
type address struct {
	scheme string // tcp, tls or ipc
	host   string // without brackets; "*" for every address
	port   string // a number; "0" for any free one
}

// maxPath is what fits into a sockaddr_un with its closing zero.
const maxPath = 107

// parseAddress understands the forms listed in the package comment.
func parseAddress(s string, listen bool) (address, error) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return address{}, fmt.Errorf("address %q: want a form such as tcp://host:port", s)
	}
	a := address{scheme: scheme}
	var err error
	switch scheme {
	case "tcp", "tls":
		err = a.setHostPort(rest, listen)
	case "ipc":
		err = a.setPath(rest)
	case "udp":
		err = errors.New("udp has no connections: use tcp://")
	case "inproc":
		err = errors.New("inproc ends live in one process: use ipc:// or tcp://")
	default:
		err = fmt.Errorf("no transport %q: use tcp://, tls:// or ipc://", scheme)
	}
	if err != nil {
		return address{}, fmt.Errorf("address %q: %w", s, err)
	}
	return a, nil
}

func (a *address) setPath(path string) error {
	switch {
	case path == "" || path == "*" || path == "@":
		return errors.New("a path or @name is needed")
	case len(path) > maxPath:
		return fmt.Errorf("the path has %d bytes, at most %d are possible", len(path), maxPath)
	case strings.IndexByte(path, 0) >= 0:
		return errors.New("a zero byte in the path")
	}
	a.host = path
	return nil
}

func (a *address) setHostPort(s string, listen bool) error {
	if strings.Contains(s, ";") {
		return errors.New("a source address is not possible")
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("want host:port: %w", err)
	}
	if host == "" {
		return errors.New("the host is missing: use * for every address")
	}
	if port == "*" {
		port = "0"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	if !listen && (n == 0 || host == "*") {
		return errors.New("host and port are both needed to connect")
	}
	a.host, a.port = host, strconv.FormatUint(n, 10)
	return nil
}

// binds lists the arguments of net.Listen that together cover a listening tcp
// address. Their port is a.port.
func (a address) binds(lookup func(host string) ([]string, error)) ([]bind, error) {
	switch ip := net.ParseIP(a.host); {
	case a.host == "*":
		return []bind{{"tcp", ""}}, nil // both families
	case a.host == "::":
		return []bind{{"tcp", "::"}}, nil // the same, for net.Listen
	case ip != nil && ip.To4() != nil:
		return []bind{{"tcp4", a.host}}, nil
	case strings.Contains(a.host, ":"):
		return []bind{{"tcp6", a.host}}, nil // a zone may follow
	}
	hosts, err := lookup(a.host)
	if err != nil {
		return nil, fmt.Errorf("resolve %q: %w", a.host, err)
	}
	var all []bind
	for _, h := range hosts {
		network := "tcp4"
		if strings.Contains(h, ":") {
			network = "tcp6"
		}
		all = append(all, bind{network, h})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%q has no address", a.host)
	}
	return all, nil
}

type bind struct{ network, host string }

// lookupLocal returns the addresses of the interface called name, as libzmq
// does, or else those of the host called name.
func lookupLocal(name string) ([]string, error) {
	nic, err := net.InterfaceByName(name)
	if err != nil {
		return net.LookupHost(name)
	}
	addrs, err := nic.Addrs()
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, a := range addrs {
		ipn, ok := a.(*net.IPNet)
		switch {
		case !ok:
		case ipn.IP.IsLinkLocalUnicast() && ipn.IP.To4() == nil:
			hosts = append(hosts, ipn.IP.String()+"%"+name)
		default:
			hosts = append(hosts, ipn.IP.String())
		}
	}
	return hosts, nil
}
