package grade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ingot-grading/ingot/agent/network"
	"github.com/ingot-grading/ingot/oci"
	"github.com/ingot-grading/ingot/wire/grading"
)

var errNoNetwork = errors.New("the network of the grading container cannot be shared")

// create makes the container (PROTOCOL.md 4.5).
func (s *student) create(ctx context.Context) error {
	in, err := s.connect(ctx)
	if err != nil {
		return err
	}
	files, err := s.files(in)
	if err != nil {
		return err
	}
	layer, err := s.g.j.space.Layer(s.name, false)
	if err != nil {
		return err
	}
	args := []string{"_run_student_intern", s.env.kind.Runtime.Told, s.g.j.env.kind.EnvType}
	open := studentFiles(s.g.j.e.cfg.OpenFiles)
	opts := append(connected(s.network), oci.Student(files), oci.OpenFiles(open, open))
	if !s.env.kind.Runtime.SharedKernel {
		opts = append(opts, oci.Env(grading.TellRetval+"=1"))
	}
	if s.g.routes.flow.Load() {
		opts = append(opts, oci.Env(grading.FlowControl+"=1"))
	}
	if s.req.ShareNetwork && s.network == nil {
		network, err := s.g.j.grader.network()
		if err != nil {
			return err
		}
		defer network.Close()
		opts = append(opts, oci.JoinNetwork(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), network.Fd())))
	}
	s.box, err = s.g.j.newBox(ctx, blueprint{name: s.name, env: s.env, limits: s.limits, layer: layer, args: args, opts: opts})
	return err
}

// connect gives a container that lets people in a network of its own, whatever
// else it asks for. It returns the network that the container is in; nil: none.
func (s *student) connect(ctx context.Context) (in *network.Attachment, err error) {
	switch {
	case s.req.SSH:
		if s.network, err = s.g.j.attach(ctx, s.name, []uint16{sshPort}); err != nil {
			return nil, err
		}
		port, _ := s.network.Published(sshPort)
		s.sshPort.Store(uint32(port))
		return s.network, nil
	case s.req.ShareNetwork:
		return s.g.j.network, nil
	}
	return nil, nil
}

// files pins what the container sees of the job. The grader can write to all of
// it, and so exchange it: what is not there is made, what is a link is refused.
func (s *student) files(in *network.Attachment) (files oci.StudentFiles, err error) {
	space := s.g.j.space
	files.CommonStudent = space.CommonStudent
	if files.Etc, err = s.g.j.etc(s.name, in); err != nil {
		return files, err
	}
	s.release = append(s.release, func() error { return os.RemoveAll(filepath.Dir(files.Etc.Hosts)) }) // there may be thousands
	for _, p := range []struct {
		to  *string
		rel string
	}{
		{&files.Student, "task/student"},
		{&files.Scripts, "task/student/scripts"},
		{&files.SystemFiles, "task/systemfiles"},
	} {
		if err := space.Mkdir(p.rel); err != nil {
			return files, err
		}
		if *p.to, err = s.pin(p.rel); err != nil {
			return files, err
		}
	}
	if !s.env.kind.Runtime.SharedKernel {
		return files, nil
	}
	if files.ParentSocket, err = s.pin("sockets/" + s.req.SocketID + ".sock"); err != nil {
		return files, err
	}
	s.socket, err = openSocket(files.ParentSocket)
	return files, err
}

func (s *student) pin(rel string) (string, error) {
	path, release, err := s.g.j.space.Pin(rel)
	if err == nil {
		s.release = append(s.release, release)
	}
	return path, err
}

// network opens the network namespace of a running container.
func (b *box) network() (*os.File, error) {
	// The process may have ended and its number been given away. What is opened
	// through its directory is of one process, so the cgroup says whose.
	proc, err := unix.Open(fmt.Sprintf("/proc/%d", b.PID()), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoNetwork, err)
	}
	defer unix.Close(proc)
	network, err := openAt(proc, "ns/net")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoNetwork, err)
	}
	if err := b.owns(proc); err != nil {
		network.Close()
		return nil, fmt.Errorf("%w: %w", errNoNetwork, err)
	}
	return network, nil
}

// owns is nil if the process with that directory is in the container's cgroup.
func (b *box) owns(proc int) error {
	f, err := openAt(proc, "cgroup")
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if !slices.Contains(strings.Split(string(text), "\n"), "0::"+b.group.Path()) {
		return errOver
	}
	return nil
}

func openAt(dir int, name string) (*os.File, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}
