package app

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key = newKey(t)
	tmpl := template(name)
	tmpl.IsCA, tmpl.KeyUsage = true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func (a *authority) write(file, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, file)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue writes a certificate for name and returns the flags that name it.
func (a *authority) issue(name string) TLS {
	a.t.Helper()
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, template(name), a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return TLS{a.write("cert.pem", "CERTIFICATE", der), a.write("key.pem", "PRIVATE KEY", secret), filepath.Join(a.dir, "ca.pem")}
}

func load(t *testing.T, flags TLS) *Certificates {
	t.Helper()
	c, err := flags.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// meet lets a client talk to a server, and returns the names they show each other.
func meet(t *testing.T, server, client *tls.Config) (serverName, clientName string, err error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	client = client.Clone()
	client.ServerName = "localhost"
	s, c := tls.Server(far, server), tls.Client(near, client)
	refused := make(chan error, 1)
	go func() {
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		refused <- err
		far.Close()
	}()
	_, err = io.ReadFull(c, make([]byte, 1)) // in TLS 1.3 the server's refusal comes after the client's handshake
	if e := <-refused; e != nil || err != nil {
		return "", "", cmp.Or(e, err)
	}
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName, s.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func TestCertificatesAreReloaded(t *testing.T) {
	old, fresh := newAuthority(t, "old"), newAuthority(t, "fresh")
	flags := old.issue("server")
	server := load(t, flags)
	listening := server.Server()
	agent := load(t, old.issue("agent"))
	if s, c, err := meet(t, listening, agent.Client()); err != nil || s != "server" || c != "agent" {
		t.Fatalf("met %s and %s: %v", s, c, err)
	}
	stranger := load(t, fresh.issue("stranger")).Client()
	stranger.RootCAs = agent.Client().RootCAs
	if _, _, err := meet(t, listening, stranger); err == nil {
		t.Error("a client of another authority is let in")
	}

	if err := server.Reload(TLS{TLSCert: "none", TLSKey: "none", TLSCA: "none"}); err == nil {
		t.Error("missing files are no error")
	}
	if _, _, err := meet(t, listening, agent.Client()); err != nil {
		t.Errorf("after a reload that failed: %v", err)
	}
	if err := server.Reload(fresh.issue("renewed")); err != nil {
		t.Fatal(err)
	}
	if s, c, err := meet(t, listening, load(t, fresh.issue("new agent")).Client()); err != nil || s != "renewed" || c != "new agent" {
		t.Errorf("met %s and %s: %v", s, c, err)
	}
	if _, _, err := meet(t, listening, agent.Client()); err == nil {
		t.Error("the old authority is still trusted")
	}
}

func TestNoCertificates(t *testing.T) {
	c := load(t, TLS{})
	if c != nil || c.Server() != nil || c.Client() != nil || c.Reload(TLS{}) != nil {
		t.Error("no flags give certificates")
	}
	a := newAuthority(t, "a")
	flags := a.issue("x")
	for _, wrong := range []TLS{
		{TLSCert: flags.TLSCert},
		{TLSCert: flags.TLSCert, TLSKey: flags.TLSKey},
		{TLSCert: flags.TLSCA, TLSKey: flags.TLSKey, TLSCA: flags.TLSCA},
		{TLSCert: flags.TLSCert, TLSKey: flags.TLSKey, TLSCA: flags.TLSKey},
	} {
		if _, err := wrong.Load(); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}
