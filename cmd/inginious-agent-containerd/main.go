// Command inginious-agent-containerd grades jobs in containers, through
// containerd, for the backend it is given the address of.
package main

import (
	"os"

	"github.com/ingot-grading/ingot/cmd/internal/app"
)

const about = "Grade jobs in containers, through containerd."

func main() { os.Exit(app.Main("inginious-agent-containerd", about, run)) }
