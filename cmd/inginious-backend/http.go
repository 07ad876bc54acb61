package main

import (
	"fmt"
	"os"
	"strings"
)

// token reads the operators' token, "" if there is none.
func (c *config) token() (string, error) {
	if c.HTTPTokenFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(c.HTTPTokenFile)
	if err != nil {
		return "", fmt.Errorf("read the operators' token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", fmt.Errorf("read the operators' token: %s is empty", c.HTTPTokenFile)
	}
	return token, nil
}
