package zmtp

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"

	"github.com/go-zeromq/zmq4"
)

// unencrypted is the part of a security mechanism that leaves frames as they are.
type unencrypted struct{}

func (unencrypted) Encrypt(w io.Writer, b []byte) (int, error) { return w.Write(b) }
func (unencrypted) Decrypt(w io.Writer, b []byte) (int, error) { return w.Write(b) }

// null is the NULL mechanism: both sides send READY.
type null struct{ unencrypted }

func (null) Type() zmq4.SecurityType { return zmq4.NullSecurity }

func (null) Handshake(c *zmq4.Conn, _ bool) error {
	if err := sendMeta(c, zmq4.CmdReady); err != nil {
		return err
	}
	return recvMeta(c, zmq4.CmdReady)
}

// plain is the PLAIN mechanism (ZeroMQ RFC 24) with one pair of credentials.
type plain struct {
	unencrypted
	want Credentials
}

func (plain) Type() zmq4.SecurityType { return zmq4.PlainSecurity }

func (p plain) Handshake(c *zmq4.Conn, server bool) error {
	if server {
		return p.check(c)
	}
	if err := c.SendCmd(zmq4.CmdHello, p.hello()); err != nil {
		return err
	}
	if _, err := recv(c, zmq4.CmdWelcome); err != nil {
		return err
	}
	if err := sendMeta(c, zmq4.CmdInitiate); err != nil {
		return err
	}
	return recvMeta(c, zmq4.CmdReady)
}

// check lets a client in only if its HELLO is the one these credentials make.
func (p plain) check(c *zmq4.Conn) error {
	body, err := recv(c, zmq4.CmdHello)
	if err != nil {
		return err
	}
	got, want := sha256.Sum256(body), sha256.Sum256(p.hello()) // equal lengths, so that time tells nothing
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		if err := c.SendCmd(zmq4.CmdError, append([]byte{3}, "400"...)); err != nil {
			return err
		}
		return ErrRefused
	}
	if err := c.SendCmd(zmq4.CmdWelcome, nil); err != nil {
		return err
	}
	if err := recvMeta(c, zmq4.CmdInitiate); err != nil {
		return err
	}
	return sendMeta(c, zmq4.CmdReady)
}

func (p plain) hello() []byte {
	b := append([]byte{byte(len(p.want.User))}, p.want.User...)
	return append(append(b, byte(len(p.want.Password))), p.want.Password...)
}

func recv(c *zmq4.Conn, name string) ([]byte, error) {
	cmd, err := c.RecvCmd()
	switch {
	case err != nil:
		return nil, err
	case cmd.Name == zmq4.CmdError && name == zmq4.CmdWelcome:
		return nil, ErrRefused
	case cmd.Name != name:
		return nil, fmt.Errorf("command %q where %s was due: %w", cmd.Name, name, ErrProtocol)
	}
	return cmd.Body, nil
}

func sendMeta(c *zmq4.Conn, name string) error {
	meta, err := c.Meta.MarshalZMTP()
	if err != nil {
		return err
	}
	return c.SendCmd(name, meta)
}

func recvMeta(c *zmq4.Conn, name string) error {
	body, err := recv(c, name)
	if err != nil {
		return err
	}
	return c.Peer.Meta.UnmarshalZMTP(body)
}
