package zmtp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/ingot-grading/ingot/wire"
)

// authority issues certificates for tests.
type authority struct {
	tb   testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(tb testing.TB) *authority {
	a := &authority{tb: tb, pool: x509.NewCertPool()}
	a.cert, a.key = a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.tb.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.tb.Fatal(err)
	}
	return cert, key
}

// config returns a configuration for either end, with a certificate for use.
func (a *authority) config(use x509.ExtKeyUsage) *tls.Config {
	cert, key := a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "end"}, ExtKeyUsage: []x509.ExtKeyUsage{use}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
		ClientCAs:    a.pool, RootCAs: a.pool,
	}
}

func TestSuiteOverTLS(t *testing.T) {
	ca := newAuthority(t)
	suite(t, "tls://127.0.0.1:*", Config{TLS: ca.config(x509.ExtKeyUsageServerAuth)}, Config{TLS: ca.config(x509.ExtKeyUsageClientAuth)})
}

// Nothing behind the TLS handshake is within a stranger's reach, also where the
// configuration is chosen for each connection and is too kind.
func TestStrangersStayOutside(t *testing.T) {
	ours := newAuthority(t)
	t.Run("one for all", func(t *testing.T) { strangersStayOutside(t, ours, ours.config(x509.ExtKeyUsageServerAuth)) })
	t.Run("chosen", func(t *testing.T) {
		conf := ours.config(x509.ExtKeyUsageServerAuth)
		kind := conf.Clone()
		conf.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return kind, nil }
		strangersStayOutside(t, ours, conf)
	})
}

func strangersStayOutside(t *testing.T, ours *authority, server *tls.Config) {
	theirs := newAuthority(t)
	r := listen(t, "tls://127.0.0.1:*", Config{TLS: server})
	addr := r.listeners[0].Addr().String()
	right := ours.config(x509.ExtKeyUsageClientAuth)
	tests := map[string]*tls.Config{
		"no certificate":        {RootCAs: ours.pool},
		"another authority's":   {RootCAs: ours.pool, Certificates: theirs.config(x509.ExtKeyUsageClientAuth).Certificates},
		"a server's":            {RootCAs: ours.pool, Certificates: ours.config(x509.ExtKeyUsageServerAuth).Certificates},
		"TLS 1.2 and the right": {RootCAs: ours.pool, Certificates: right.Certificates, MaxVersion: tls.VersionTLS12},
	}
	for name, conf := range tests {
		t.Run(name, func(t *testing.T) {
			conf.ServerName = "127.0.0.1"
			nc, err := tls.Dial("tcp", addr, conf)
			if err != nil {
				return // refused in the handshake
			}
			defer nc.Close()
			// In TLS 1.3 a client learns of the refusal when it reads.
			io.WriteString(nc, greeting(1, "NULL")+ready("")+message("let me in")) //nolint:errcheck // the read shows it
			if b, err := io.ReadAll(nc); err == nil || len(b) > 0 {
				t.Errorf("read %q, %v; want nothing and an error", b, err)
			}
		})
	}
	t.Run("no TLS", func(t *testing.T) {
		p := rawDial(t, r)
		p.send(greeting(1, "NULL") + ready("") + message("let me in"))
		p.wantClosed()
	})
	// The first event of all is that of a peer with the right certificate.
	connect(t, r.Addr(), Config{Identity: "friend", TLS: right})
	if up := next(t, r, wire.PeerUp); up.RoutingID != "friend" {
		t.Errorf("%q came up", up.RoutingID)
	}
}

// A Dealer does not talk to a server of another authority, or of another name.
func TestDealerChecksTheServer(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	for name, conf := range map[string]*tls.Config{
		"authority": theirs.config(x509.ExtKeyUsageClientAuth),
		"name":      ours.config(x509.ExtKeyUsageClientAuth),
	} {
		t.Run(name, func(t *testing.T) {
			failures := make(logged, 10)
			r := listen(t, "tls://127.0.0.1:*", Config{TLS: ours.config(x509.ExtKeyUsageServerAuth), Log: slog.New(failures)})
			if name == "name" {
				conf.ServerName = "somebody.else"
			}
			cfg := Config{TLS: conf, RetryMin: time.Millisecond, RetryMax: time.Millisecond}
			d := connect(t, r.Addr(), cfg)
			for range 3 {
				<-failures
			}
			connect(t, r.Addr(), Config{Identity: "proper", TLS: ours.config(x509.ExtKeyUsageClientAuth)})
			if up := next(t, r, wire.PeerUp); up.RoutingID != "proper" {
				t.Errorf("%q came up", up.RoutingID)
			}
			select {
			case ev := <-d.Events():
				t.Errorf("event %+v, want none", ev)
			default:
			}
		})
	}
}

// Nor to one that knows no newer protocol than TLS 1.2.
func TestDealerWantsTLS13(t *testing.T) {
	ca := newAuthority(t)
	conf := ca.config(x509.ExtKeyUsageServerAuth)
	conf.MaxVersion = tls.VersionTLS12
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	connect(t, "tls://"+ln.Addr().String(), Config{TLS: ca.config(x509.ExtKeyUsageClientAuth)})
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := tls.Server(nc, conf).HandshakeContext(t.Context()); err == nil {
		t.Error("a Dealer took TLS 1.2")
	}
}

// logged is a log handler that tells of lines, as long as somebody has room.
type logged chan string

func (l logged) Enabled(context.Context, slog.Level) bool { return true }
func (l logged) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l logged) WithGroup(string) slog.Handler            { return l }
func (l logged) Handle(_ context.Context, r slog.Record) error {
	select {
	case l <- r.Message:
	default:
	}
	return nil
}

func TestTLSNeedsAll(t *testing.T) {
	ca := newAuthority(t)
	whole := ca.config(x509.ExtKeyUsageServerAuth)
	chosen := whole.Clone()
	chosen.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: whole.Certificates}, nil
	}
	conf, err := (&Config{TLS: chosen}).serverTLS(address{scheme: "tls"})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := conf.GetConfigForClient(nil); err == nil {
		t.Errorf("without a pool %+v is chosen", c)
	}
	for name, conf := range map[string]*tls.Config{
		"nothing":        nil,
		"no certificate": {ClientCAs: whole.ClientCAs, RootCAs: whole.RootCAs},
		"no pool":        {Certificates: whole.Certificates},
	} {
		if r, err := Listen("tls://127.0.0.1:*", Config{TLS: conf}); err == nil {
			r.Close()
			t.Errorf("%s: listened", name)
		}
		if d, err := Dial("tls://127.0.0.1:1", Config{TLS: conf}); err == nil {
			d.Close()
			t.Errorf("%s: dialed", name)
		}
	}
}
