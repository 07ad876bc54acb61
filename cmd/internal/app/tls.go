package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

// TLS is the flags of a program that speaks tls:// addresses. A program's
// configuration embeds it by value.
type TLS struct {
	TLSCert string `name:"tls-cert" placeholder:"FILE" help:"Certificate of this program for tls:// addresses, PEM."`
	TLSKey  string `name:"tls-key" placeholder:"FILE" help:"Its key, PEM."`
	TLSCA   string `name:"tls-ca" placeholder:"FILE" help:"Certificates that sign those of the other side, PEM."`
}

// Certificates are those of [TLS], as they were when they were last read. A nil
// pointer stands for none.
type Certificates struct{ now atomic.Pointer[keys] }

type keys struct {
	own *tls.Certificate
	ca  *x509.CertPool
}

// Load reads the files for connections to or at addresses. It returns nil if none
// is named; either all are or none. Certificates that no address uses are an error,
// as what they were to hide would go in clear.
func (t TLS) Load(addresses ...string) (*Certificates, error) {
	at := slices.IndexFunc(addresses, func(a string) bool { return strings.HasPrefix(a, "tls://") })
	switch {
	case t == (TLS{}) && at < 0:
		return nil, nil
	case t == (TLS{}):
		return nil, fmt.Errorf("tls: %s needs --tls-cert, --tls-key and --tls-ca", addresses[at])
	case at < 0:
		return nil, fmt.Errorf("tls: certificates are given, but no address is tls://: %s", strings.Join(addresses, " "))
	}
	c := &Certificates{}
	return c, c.Reload(t)
}

// Reload reads the files of t again. Connections made from now on use them. On
// an error everything stays as it was. Nil certificates are not reloaded.
func (c *Certificates) Reload(t TLS) error {
	if c == nil {
		return nil
	}
	if t.TLSCert == "" || t.TLSKey == "" || t.TLSCA == "" {
		return errors.New("tls: want all of certificate, key and CA, or none")
	}
	own, err := tls.LoadX509KeyPair(t.TLSCert, t.TLSKey)
	if err != nil {
		return fmt.Errorf("tls: read certificate: %w", err)
	}
	pem, err := os.ReadFile(t.TLSCA)
	if err != nil {
		return fmt.Errorf("tls: read CA: %w", err)
	}
	ca := x509.NewCertPool()
	if !ca.AppendCertsFromPEM(pem) {
		return fmt.Errorf("tls: no certificate in %s", t.TLSCA)
	}
	c.now.Store(&keys{&own, ca})
	return nil
}

// Server returns the configuration to listen with, nil for none: peers must show
// a certificate that the CA signed.
func (c *Certificates) Server() *tls.Config {
	if c == nil {
		return nil
	}
	conf := c.server()
	conf.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.server(), nil }
	return conf
}

func (c *Certificates) server() *tls.Config {
	k := c.now.Load()
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{*k.own},
		ClientCAs:    k.ca,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}
}

// Client returns the configuration to dial with, nil for none. Its own
// certificate is the one read last; the CA stays that of the moment of the call.
func (c *Certificates) Client() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		RootCAs:    c.now.Load().ca,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return c.now.Load().own, nil
		},
	}
}
