package sshd

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
)

const (
	logFile = ".ssh_logs"
	logCopy = "/task/student/.ssh_logs"
)

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
	shell := exec.Command("script", "-q", logFile)
	if _, err := exec.LookPath("script"); err != nil {
		shell = exec.Command("/bin/sh", "-i")
	}
	shell.Stdin, shell.Stdout, shell.Stderr = stdin, stdout, stderr
	_ = shell.Run() // how the person's shell ends says nothing
	if log, err := os.ReadFile(logFile); err == nil {
		if err := os.WriteFile(logCopy, log, 0o644); err != nil {
			fmt.Fprintln(stderr, err)
		}
	}
	fmt.Fprintln(stdout, "LOGOUT: Good bye!")
	return 0
}
