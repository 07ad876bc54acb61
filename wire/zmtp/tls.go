package zmtp

import (
	"crypto/tls"
	"errors"
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
	conf := c.TLS.Clone()
	conf.MinVersion = tls.VersionTLS13
	conf.ClientAuth = tls.RequireAndVerifyClientCert
	return conf, nil
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
		conf.ServerName = a.host
	}
	return conf, nil
}
