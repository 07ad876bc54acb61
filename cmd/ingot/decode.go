package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// decodeCmd shows messages that somebody recorded.
type decodeCmd struct {
	Full  bool     `help:"Print long texts to their end."`
	Files []string `arg:"" optional:"" placeholder:"FILE" help:"What to read, '-' or nothing for standard input: messages one after the other, one side of a recorded ZeroMQ connection, or either in hexadecimal digits."`
}

// Run prints each message with its fields. It ends with status 1 if one of them
// is none of the protocol's.
func (c *decodeCmd) Run() error {
	files := c.Files
	if len(files) == 0 {
		files = []string{"-"}
	}
	out := bufio.NewWriter(os.Stdout)
	p := printer{out: out, most: longText}
	if c.Full {
		p.most = 0
	}
	var failed error
	for _, name := range files {
		data, err := readInput(name, os.Stdin)
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		if err := p.recording(data); err != nil {
			failed = errUnlike
		}
	}
	return errors.Join(failed, out.Flush())
}

// readInput reads a file, or stdin for "-".
func readInput(name string, stdin io.Reader) ([]byte, error) {
	if name != "-" {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		return data, nil
	}
	data, err := io.ReadAll(stdin)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return data, nil
}
