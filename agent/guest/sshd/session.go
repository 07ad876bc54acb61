package sshd

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// logCopy is where the grader finds what the person saw.
const logCopy = "/task/student/.ssh_logs"

// Session is what a person who logs in gets: a shell whose output is recorded
// for the grader if the image has the program script. It returns the exit code.
func Session(stdin io.Reader, stdout, stderr io.Writer) int {
	c, err := net.Dial("unix", socketPath)
	if err != nil {
		fmt.Fprintln(stderr, "the session is over:", err)
		return 1
	}
	defer c.Close()
	fmt.Fprintln(stdout, "LOGIN: Good luck !")
	if err := record(stdin, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "session not recorded:", err)
	}
	fmt.Fprintln(stdout, "LOGOUT: Good bye!")
	return 0
}

// record runs the shell and keeps what it shows. The home directory may not be
// the person's to write to.
func record(stdin io.Reader, stdout, stderr io.Writer) error {
	log, err := os.CreateTemp("", "ssh_logs")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(log.Name()) }() // what stays goes with the container
	defer log.Close()
	shell := exec.Command("script", "-q", log.Name())
	if _, err := exec.LookPath("script"); err != nil {
		shell = exec.Command("/bin/sh", "-i")
	}
	shell.Env = environ()
	shell.Stdin, shell.Stdout, shell.Stderr = stdin, stdout, stderr
	_ = shell.Run() // how the person's shell ends says nothing
	text, err := io.ReadAll(log)
	if err != nil {
		return err
	}
	return os.WriteFile(logCopy, text, 0o644)
}

// environ is that of sshd with our commands on PATH, wherever the image has them.
func environ() []string {
	env := os.Environ()
	if self, err := os.Executable(); err == nil {
		env = append(env, "PATH="+filepath.Dir(self)+":"+os.Getenv("PATH"))
	}
	return env
}
