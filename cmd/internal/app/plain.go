package app

import (
	"fmt"
	"os"
	"strings"

	"github.com/ingot-grading/ingot/wire/zmtp"
)

// Plain is the flag of a program that uses ZeroMQ's PLAIN mechanism between
// backend and agents. A program's configuration embeds it by value.
type Plain struct {
	PlainFile string `placeholder:"FILE" help:"File with a line USER:PASSWORD that an agent shows and a backend asks of agents. In clear unless the address is tls:// or ipc://."`
}

// Credentials reads the file. It returns nil if none is named.
func (p Plain) Credentials() (*zmtp.Credentials, error) {
	if p.PlainFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(p.PlainFile)
	if err != nil {
		return nil, fmt.Errorf("plain: read credentials: %w", err)
	}
	user, password, ok := strings.Cut(strings.TrimRight(string(text), "\r\n"), ":")
	if !ok || user == "" || password == "" || strings.ContainsAny(password, "\r\n") {
		return nil, fmt.Errorf("plain: %s: want one line USER:PASSWORD", p.PlainFile)
	}
	return &zmtp.Credentials{User: user, Password: password}, nil
}
