// Package grader is for graders written in Go: the input of the student, the
// feedback, and programs run in student containers, without a command started
// for each.
//
//	g, err := grader.New()
//	...
//	out, err := g.Run(ctx, grader.Student{Args: []string{"./a.out"}, Stdin: strings.NewReader("1 2")})
//	if err == nil && strings.TrimSpace(out.Stdout) == "3" {
//		err = g.SetResult("success", "")
//	}
//
// A grader is a static program called run in the task's directory; its image
// needs nothing else. What is said here and what the commands say may be mixed.
package grader
