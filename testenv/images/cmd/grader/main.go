// Grader is a grader of one static file, and the answer that it grades: an image
// for it can be empty.
//
//	grader           grades what "student/answer STUDENT" makes of the state
//	grader STUDENT   prints its input and its user, and exits with 3
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/ingot-grading/ingot/agent/guest/grader"
)

func main() {
	if len(os.Args) > 1 {
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s by %d", text, os.Getuid())
		os.Exit(3)
	}
	if err := grade(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func grade(ctx context.Context) error {
	g, err := grader.New()
	if err != nil {
		return err
	}
	out, err := g.Run(ctx, grader.Student{Args: []string{"/task/student/answer", "STUDENT"}, Stdin: strings.NewReader(g.State())})
	if err != nil {
		return err
	}
	if err := g.SetText(fmt.Sprintf("%s, code %d", out.Stdout, out.Code), "", false); err != nil {
		return err
	}
	if err := os.WriteFile("/archive/output", []byte(out.Stdout), 0o600); err != nil {
		return err
	}
	return g.SetResult("success", "")
}
