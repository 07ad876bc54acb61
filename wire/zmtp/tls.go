package zmtp

import (
	"crypto/tls"
	"errors"
	"strings"
)

var (
	errNoTLS      = errors.New("tls:// needs Config.TLS")
	errNoCert     = errors.New("Config.TLS has no certificate of its own")
	errNoClientCA = errors.New("Config.TLS has no ClientCAs: anybody would be let in, or nobody")
	errNoRootCA   = errors.New("Config.TLS has no RootCAs to check the server against")
)

// serverTLS returns the configuration of a listener at a, nil for plain tcp.
func (c *Config) serverTLS(a address) (*tls.Config, error) {
	if a.scheme != "tls" {
		return nil, nil
	}
	switch t := c.TLS; {
	case t == nil:
		return nil, errNoTLS
	case len(t.Certificates) == 0 && t.GetCertificate == nil:
		return nil, errNoCert
	case t.ClientCAs == nil:
		return nil, errNoClientCA
	}
	conf := strict(c.TLS)
	if choose := conf.GetConfigForClient; choose != nil {
		conf.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := choose(hello)
			switch {
			case err != nil || chosen == nil:
				return nil, err
			case chosen.ClientCAs == nil: // those of the machine would be taken
				return nil, errNoClientCA
			}
			return strict(chosen), nil
		}
	}
	return conf, nil
}

// strict is c with what every listener demands, whatever else c says.
func strict(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.MinVersion = tls.VersionTLS13
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c
}

// clientTLS returns the configuration to dial a with, nil for other schemes.
func (c *Config) clientTLS(a address) (*tls.Config, error) {
	if a.scheme != "tls" {
		return nil, nil
	}
	switch t := c.TLS; {
	case t == nil:
		return nil, errNoTLS
	case len(t.Certificates) == 0 && t.GetClientCertificate == nil:
		return nil, errNoCert
	case t.RootCAs == nil:
		return nil, errNoRootCA
	}
	conf := c.TLS.Clone()
	conf.MinVersion = tls.VersionTLS13
	if conf.ServerName == "" {
		conf.ServerName, _, _ = strings.Cut(a.host, "%") // no certificate has a zone
	}
	return conf, nil
}
