package sandbox

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Classes of errors that callers tell apart, wrapped with what happened.
var (
	ErrNoImage     = errors.New("no such image")
	ErrNoRuntime   = errors.New("no such container runtime")
	ErrNoDevice    = errors.New("no such device")
	ErrUnavailable = errors.New("container runtime unavailable")
	ErrBadRequest  = errors.New("container runtime refused the request")
)

// Runtime runs containers. All methods may be called at any time from any goroutine.
type Runtime interface {
	// Images lists the images that carry label, newest first; all if label is "".
	Images(ctx context.Context, label string) ([]Image, error)
	// Changes is signalled, at most once per read, when images may have come or gone.
	Changes() <-chan struct{}
	// Create makes a container on a fresh writable copy of its image. Nothing
	// of it runs yet. The caller must Delete it. If it fails nothing is left, but
	// where that could not be undone: then a Container comes with the error, which
	// is good for Delete alone.
	Create(ctx context.Context, s Spec) (Container, error)
	// Sweep removes every container that carries all of labels and whatever an
	// earlier life left of it (tasks, snapshots, FIFOs), and nothing else.
	// It returns how many containers it removed.
	Sweep(ctx context.Context, labels map[string]string) (int, error)
}

// Image is an image in the runtime's store.
type Image struct {
	Ref     string            // how Create finds it
	ID      string            // digest of the image configuration, "sha256:…"
	Created time.Time         // of the newest history entry; zero if unknown
	Labels  map[string]string // of the image configuration, and over them those that the store was given
	Config  Config
}

// Config is what an image says of the process to run. It is a stranger's text.
type Config struct {
	Env        []string
	Entrypoint []string
	Cmd        []string
	WorkingDir string
	User       string
}

// Handler says what runs a container.
type Handler struct {
	Name   string // containerd's runtime name; "" means io.containerd.runc.v2
	Binary string // for Name io.containerd.runc.v2: "runc" (also ""), "crun" or a path
	Config string // for other names: file that the shim reads; "" is its own choice
}

// Spec is a container to make.
type Spec struct {
	ID      string // unique; letters, digits, '-', '_' and '.' between them
	Image   string // an Image.Ref
	ImageID string // the Image.ID that it must still lead to, or Create fails with ErrNoImage; "": whatever it leads to
	Handler Handler
	OCI     *specs.Spec // complete but for Root, which the runtime fills in, and Devices
	Devices []string    // CDI names as "vendor.com/class=name", of the operator's choice: never an image's
	Labels  map[string]string
	// Layer is an empty directory where what the container writes to its root
	// file system goes, so that the caller bounds it; "": where the runtime likes.
	// The caller removes it, after Delete.
	Layer string
}

// Container is one container, from Create to Delete.
type Container interface {
	ID() string
	// PID is the process' id on the host from Create on, 0 if there is none. It is
	// not the process' own once that has ended.
	PID() int
	// Stdio returns the process' streams, open from Create to Delete. The caller
	// reads Stdout and Stderr to their ends, which come after the process ended.
	Stdio() Stdio
	// Start runs the process, once.
	Start(ctx context.Context) error
	// Exited yields exactly one Exit once a started process has ended, then is closed.
	Exited() <-chan Exit
	// Kill ends every process of the container with SIGKILL. One that has
	// ended is no error.
	Kill(ctx context.Context) error
	// Delete kills what runs and removes all that Create made. It may be called
	// again, and is complete when it returned nil.
	Delete(ctx context.Context) error
}

// Stdio are the ends of a container's streams on our side. Stdin.Close ends the
// process' standard input.
type Stdio struct {
	Stdin  io.WriteCloser
	Stdout io.ReadCloser
	Stderr io.ReadCloser
}

// Exit is the end of a container's process.
type Exit struct {
	Code uint32 // 128+n if a signal n ended it
	At   time.Time
	Err  error // not nil: the runtime lost the container and Code means nothing
}
