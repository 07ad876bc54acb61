// Ingot-init is the program that runs inside containers: main process, student
// shim and the commands of grading scripts. See package agent/guest.
package main

import (
	"os"

	"github.com/ingot-grading/ingot/agent/guest"
)

func main() {
	os.Exit(guest.Main(guest.Process{Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}))
}
