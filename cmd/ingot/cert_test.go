package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/cmd/internal/app"
	"github.com/ingot-grading/ingot/cmd/internal/pki"
	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/zmtp"
)

// issue makes what "ingot cert" makes, and returns the flags that name it.
func issue(t *testing.T, dir, name string) *app.Certificates {
	t.Helper()
	if err := (&certIssueCmd{Dir: dir, Name: name, Host: []string{"127.0.0.1"}, Days: 1}).Run(); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	certs, err := app.TLS{TLSCert: file(name + ".crt"), TLSKey: file(name + ".key"), TLSCA: file("ca.crt")}.Load("tls://a:1")
	if err != nil {
		t.Fatal(err)
	}
	return certs
}

func authority(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	if err := (&certInitCmd{Dir: dir}).Run(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Who has a certificate of the site gets in. Who has none, or one of elsewhere,
// is turned away before the first byte of ZMTP.
func TestCertificatesKeepStrangersOut(t *testing.T) {
	site, elsewhere := authority(t), authority(t)
	router, err := zmtp.Listen("tls://127.0.0.1:*", zmtp.Config{TLS: issue(t, site, "backend").Server()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { router.Close() })
	host := strings.TrimPrefix(router.Addr(), "tls://")
	member := issue(t, site, "grader").Client()
	for name, conf := range map[string]*tls.Config{
		"no certificate": {RootCAs: member.RootCAs},
		"of another CA":  {RootCAs: member.RootCAs, GetClientCertificate: issue(t, elsewhere, "grader").Client().GetClientCertificate},
		"without TLS":    nil,
		"an old TLS":     {RootCAs: member.RootCAs, MaxVersion: tls.VersionTLS12},
	} {
		if got := greet(t, host, conf); len(got) > 0 {
			t.Errorf("%s: the backend answered %q", name, got)
		}
	}

	dealer, err := zmtp.Dial(router.Addr(), zmtp.Config{TLS: member, Identity: "member"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dealer.Close() })
	if ev := <-dealer.Events(); ev.Kind != wire.PeerUp {
		t.Fatalf("dealer: %+v, want it to be up", ev)
	}
	if ev := <-router.Events(); ev.Kind != wire.PeerUp { // the strangers' would have come before
		t.Fatalf("router: %+v", ev)
	}
	if err := dealer.Send(1, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if ev := <-router.Events(); string(ev.Frame) != "hello" {
		t.Errorf("router: %+v, want the member's message", ev)
	}
}

// greet sends a ZMTP greeting to host and returns what comes back.
func greet(t *testing.T, host string, conf *tls.Config) []byte {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conf != nil {
		conf.ServerName = "127.0.0.1"
		conn = tls.Client(conn, conf)
	}
	greeting := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL"), make([]byte, 48)...)
	_, _ = conn.Write(greeting) // it may be refused here or at the read
	got, err := io.ReadAll(conn)
	if conf == nil {
		return nil // the answer is an alert of TLS
	}
	if err == nil {
		t.Error("the connection ended without a complaint")
	}
	return got
}

func TestShowCertificates(t *testing.T) {
	dir := authority(t)
	issue(t, dir, "grader")
	certs, err := pki.Read(filepath.Join(dir, "grader.crt"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := showCerts(&out, certs, time.Now()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"grader (program)", "127.0.0.1", "ingot CA", "0 days left"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
	if err := showCerts(&out, certs, time.Now().Add(48*time.Hour)); !errors.Is(err, errUnlike) {
		t.Errorf("one that ended: %v", err)
	}
	if err := (&certIssueCmd{Dir: dir, Name: "x", Days: 0}).Run(); err == nil {
		t.Error("no days are accepted")
	}
	if err := (&certShowCmd{File: filepath.Join(dir, "ca.key")}).Run(); err == nil {
		t.Error("a key is shown")
	}
}

// A person reaches a backend that speaks TLS with the same flags.
func TestConnectWithCertificates(t *testing.T) {
	dir := authority(t)
	server := issue(t, dir, "backend")
	issue(t, dir, "me")
	addr := stubAt(t, "tls://127.0.0.1:*", zmtp.Config{TLS: server.Server()}, nil)
	file := func(name string) string { return filepath.Join(dir, name) }
	flags := backendFlags{Backend: addr, Patience: time.Minute}
	if _, _, _, err := flags.connect(t.Context()); err == nil {
		t.Error("connected without certificates")
	}
	flags.TLS = app.TLS{TLSCert: file("me.crt"), TLSKey: file("me.key"), TLSCA: file("ca.crt")}
	_, envs, done, err := flags.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done()
	if len(envs) != 1 {
		t.Errorf("offered %v", envs)
	}
}
