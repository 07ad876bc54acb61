package arch

// allowed says which of our packages a package may import, outside its tests,
// and imports.
// A trailing "/..." takes in the packages below. Packages that are not listed
// are those below cmd and testenv, which may import everything.
var allowed = map[string][]string{
	"wire":                      {},
	"wire/frame":                {},
	"wire/grading":              {"wire"},
	"wire/student":              {"wire", "wire/frame"},
	"wire/zmtp":                 {"wire"},
	"wire/wiretest":             {"wire"},
	"oci":                       {},
	"cgroups":                   {},
	"backend":                   {"backend/sched", "wire"},
	"backend/sched":             {"wire"},
	"agent":                     {"wire"},
	"agent/grade":               {"agent", "agent/sandbox", "agent/relay", "agent/watch", "agent/workspace", "agent/network", "cgroups", "oci", "wire", "wire/grading"},
	"agent/mcq":                 {"agent", "wire"},
	"agent/sandbox":             {},
	"agent/sandbox/sandboxtest": {"agent/sandbox"},
	"agent/sandbox/ctrd":        {"agent/sandbox"},
	"agent/relay":               {"wire/frame"},
	"agent/watch":               {"cgroups"},
	"agent/workspace":           {},
	"agent/network":             {},
	"agent/guest":               {"agent/guest/..."},
	"agent/guest/...":           {"agent/guest/...", "wire/frame", "wire/grading", "wire/student"},
}

// reserved says who alone may use a library (and what is below it), and why.
var reserved = []struct {
	library string
	users   []string
	why     string
}{
	{"github.com/containerd/containerd", []string{"agent/sandbox/ctrd"},
		"containerd is one way to run containers: everybody else speaks to agent/sandbox"},
	{"tags.cncf.io/container-device-interface", []string{"agent/sandbox/ctrd"},
		"descriptions of devices are files of the operator: who runs containers reads them, who makes specifications does not"},
	{"github.com/go-zeromq/zmq4", []string{"wire/zmtp"},
		"the socket library is fit for the handshake only and must not reach users"},
	{"github.com/tinylib/msgp", []string{"wire", "agent/mcq", "agent/guest", "cmd/ingot", "cmd/internal/taskfile"},
		"messages are typed outside wire; whoever must look into a raw value is listed"},
	{"github.com/cilium/ebpf", []string{"cgroups"},
		"programs are attached to cgroups by the package that owns cgroups"},
	{"github.com/containerd/go-cni", []string{"agent/network"},
		"plugins are one way to connect jobs: everybody else asks for a network"},
	{"github.com/coreos/go-iptables", []string{"agent/network"},
		"the host's rules are changed in one place"},
	{"github.com/vishvananda/netlink", []string{"agent/network"},
		"the host's interfaces are changed in one place"},
	{"github.com/prometheus/client_golang", []string{"backend", "agent", "cmd"},
		"libraries count; processes publish"},
	{"github.com/alecthomas/kong", []string{"cmd"},
		"flags belong to programs"},
	{"github.com/lmittmann/tint", []string{"cmd", "testenv"},
		"how lines look is decided where the process starts"},
}

// pure names packages whose code reads no clock, file, socket or environment.
var pure = []string{"backend/sched", "oci"}

// impure are the imports that would break that.
var impure = []string{"os", "net", "net/http", "log/slog", "math/rand", "math/rand/v2", "context"}
