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
	"strings"
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
func (a *authority) issue(name string) TLS { return a.sign(template(name)) }

// ended is issue of a certificate whose time is over.
func (a *authority) ended(name string) TLS {
	tmpl := template(name)
	tmpl.NotAfter = time.Now().Add(-time.Minute)
	return a.sign(tmpl)
}

func (a *authority) sign(tmpl *x509.Certificate) TLS {
	a.t.Helper()
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
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
	c, err := flags.Load("tcp://a:1", "tls://a:2")
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

	half := old.issue("half")
	half.TLSCA = "none"
	for _, missing := range []TLS{{TLSCert: "none", TLSKey: "none", TLSCA: "none"}, half} {
		if err := server.Reload(missing); err == nil {
			t.Error("missing files are no error")
		}
		if s, _, err := meet(t, listening, agent.Client()); err != nil || s != "server" {
			t.Errorf("after a reload that failed: met %s, %v", s, err)
		}
	}
	dialing := agent.Client()
	if err := agent.Reload(old.issue("renewed agent")); err != nil {
		t.Fatal(err)
	}
	if _, c, err := meet(t, listening, dialing); err != nil || c != "renewed agent" {
		t.Errorf("a client that reloads shows %s, %v", c, err)
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
	c, err := TLS{}.Load("tcp://a:1")
	if err != nil || c != nil || c.Server() != nil || c.Client() != nil || c.Reload(TLS{}) != nil {
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
		if _, err := wrong.Load("tls://a:1"); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
	if _, err := flags.Load("tcp://a:1", "ipc:///a"); err == nil {
		t.Error("certificates are taken that no address uses")
	}
	if _, err := (TLS{}).Load("tcp://a:1", "tls://a:2"); err == nil || !strings.Contains(err.Error(), "tls://a:2 needs --tls-cert") {
		t.Errorf("tls:// without certificates: %v", err)
	}
}

// Each end takes only what its authority signed, what is still good, and TLS 1.3.
func TestWhoIsTrusted(t *testing.T) {
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	server, client := load(t, ours.issue("server")), load(t, ours.issue("client"))
	for name, change := range map[string]func(*tls.Config){
		"no certificate":        func(c *tls.Config) { c.GetClientCertificate = nil },
		"another authority's":   func(c *tls.Config) { c.GetClientCertificate = load(t, theirs.issue("x")).Client().GetClientCertificate },
		"one that ended":        func(c *tls.Config) { c.GetClientCertificate = load(t, ours.ended("x")).Client().GetClientCertificate },
		"TLS 1.2 and the right": func(c *tls.Config) { c.MinVersion, c.MaxVersion = 0, tls.VersionTLS12 },
	} {
		conf := client.Client()
		change(conf)
		if _, _, err := meet(t, server.Server(), conf); err == nil {
			t.Errorf("a client is let in with %s", name)
		}
	}
	old := server.server()
	old.MinVersion, old.MaxVersion = 0, tls.VersionTLS12
	strange := load(t, theirs.issue("x")).server()
	strange.ClientCAs = old.ClientCAs
	for name, conf := range map[string]*tls.Config{
		"of another authority": strange,
		"that ended":           load(t, ours.ended("x")).Server(),
		"with TLS 1.2":         old,
	} {
		if _, _, err := meet(t, conf, client.Client()); err == nil {
			t.Errorf("a server %s is trusted", name)
		}
	}
	if _, _, err := meet(t, server.Server(), client.Client()); err != nil {
		t.Errorf("the right ones: %v", err)
	}
}

// A session that began under the old authority is not taken up under the new one.
func TestSessionsEndWithTheirAuthority(t *testing.T) {
	old, fresh := newAuthority(t, "old"), newAuthority(t, "fresh")
	server := load(t, old.issue("server"))
	listening, conf := server.Server(), load(t, old.issue("agent")).Client()
	conf.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	if _, _, err := meet(t, listening, conf); err != nil {
		t.Fatal(err)
	}
	if _, kept := conf.ClientSessionCache.Get("localhost"); !kept {
		t.Fatal("there is no session to take up")
	}
	if err := server.Reload(fresh.issue("renewed")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := meet(t, listening, conf); err == nil {
		t.Error("the old authority is still trusted")
	}
}
