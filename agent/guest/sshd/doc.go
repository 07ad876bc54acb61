// Package sshd lets a person into a container by SSH (TOOLKIT.md 8.4): it gives
// a user a password, runs the image's own OpenSSH server for each connection and
// waits until the person came and left.
//
// The server runs [Session] for each login, which holds a connection to a unix
// socket of ours as long as it lasts. So a login and a logout are events, and
// neither processes are listed nor anything is polled.
package sshd
