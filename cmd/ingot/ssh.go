package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"github.com/ingot-grading/ingot/wire"
)

// sshUser and sshHost are what is safe to paste into a shell.
var (
	sshUser = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	sshHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`)
)

// sshHint tells a person how to log in. A container makes its host key anew, so
// there is none to compare it with. What comes from the other side is shown only
// if it is what it should be: people paste it into a shell.
func sshHint(way *wire.SSH) string {
	host := way.Host
	if _, err := netip.ParseAddr(host); err != nil && !sshHost.MatchString(host) || !sshUser.MatchString(way.User) {
		return fmt.Sprintf("a way in by SSH that is none: user %q, host %q", way.User, way.Host)
	}
	password := strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, way.Password)
	return fmt.Sprintf("ssh -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -p %d %s@%s\npassword: %s",
		way.Port, way.User, host, password)
}
