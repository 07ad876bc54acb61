package sshd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
)

// maxConnections is how many there may be at a time, logged in or not.
const maxConnections = 10

// serve runs sshd for each connection, until the listener is closed. So the port
// is open before anybody is told of it, which a server on its own cannot say.
func serve(ctx context.Context, l net.Listener, args []string) {
	places := make(chan struct{}, maxConnections)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case places <- struct{}{}:
		default:
			c.Close()
			continue
		}
		go func() {
			defer func() { <-places }()
			if err := converse(ctx, c, args); err != nil && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "sshd:", err)
			}
		}()
	}
}

// converse runs sshd on a connection until that ends.
func converse(ctx context.Context, c net.Conn, args []string) error {
	f, err := c.(*net.TCPConn).File()
	c.Close() // sshd has its own
	if err != nil {
		return err
	}
	defer f.Close()
	sshd := exec.CommandContext(ctx, program, args...)
	sshd.Stdin, sshd.Stdout, sshd.Stderr = f, f, os.Stderr
	err = sshd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		return nil // as after a wrong password
	}
	return err
}

func arguments(user, self string) []string {
	root := "no"
	if user == "root" {
		root = "yes"
	}
	args := []string{"-e", "-h", hostKey}
	for _, o := range []string{
		"PermitRootLogin=" + root, "PasswordAuthentication=yes", "StrictModes=no", "AllowUsers=" + user,
		"ForceCommand=" + self + " " + SessionCommand,
	} {
		args = append(args, "-o", o)
	}
	return args
}
