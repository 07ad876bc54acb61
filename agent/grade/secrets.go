package grade

import (
	"strings"
	"sync"
)

// secrets are the passwords that a job's containers have told. What a container
// writes to its stderr may have them, and goes to the log.
type secrets struct {
	mu   sync.Mutex
	told []string // each with what stands for it
}

// Of a job, which has one way in, not more than a few passwords are remembered,
// and none that is part of everything.
const (
	maxSecrets = 20
	minSecret  = 6 // bytes
)

func (s *secrets) add(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(password) >= minSecret && len(s.told) < 2*maxSecrets {
		s.told = append(s.told, password, "[password]")
	}
}

// hide is text without them.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.NewReplacer(s.told...).Replace(text)
}
