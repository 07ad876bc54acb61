// Package guesttest is the hostile program beside the one under test: what runs as
// root in a container must not be led astray by what a script or a student does to
// its files meanwhile.
package guesttest
