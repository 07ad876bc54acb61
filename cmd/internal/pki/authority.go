package pki

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

const (
	caName     = "ca"
	caLife     = 10 * 365 * 24 * time.Hour
	clockError = 5 * time.Minute // how far the clocks of a site may be apart
)

// Authority signs certificates. [Create] and [Open] make it.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// Create makes a new authority in dir, which is made if it is not there. It is
// an error of class [fs.ErrExist] if dir has one.
func Create(dir string, now time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the authority's directory: %w", err)
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	tmpl := template("ingot CA", now, now.Add(caLife))
	tmpl.IsCA, tmpl.MaxPathLenZero, tmpl.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, public, key)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	if err := writePair(dir, caName, der, key, false); err != nil {
		return nil, err
	}
	return Open(dir)
}

// Open reads the authority in dir.
func Open(dir string) (*Authority, error) {
	certs, err := Read(path(dir, caName, ".crt"))
	if err != nil {
		return nil, fmt.Errorf("open the authority: %w", err)
	}
	key, err := readKey(path(dir, caName, ".key"))
	if err != nil {
		return nil, fmt.Errorf("open the authority: %w", err)
	}
	own, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !certs[0].IsCA || !own.Equal(certs[0].PublicKey) {
		return nil, fmt.Errorf("open the authority: key and certificate in %s do not belong together", dir)
	}
	return &Authority{dir: dir, cert: certs[0], key: key}, nil
}

// Request says what to issue.
type Request struct {
	Name     string        // of the program, and of its two files
	Hosts    []string      // names and addresses under which others dial it; none: those of what it replaces, else Name
	Validity time.Duration // cut at the end of the authority's own
	Replace  bool          // one of the same name, which is an error of class fs.ErrExist else
}

// Issue makes a key and a certificate and returns the paths of their files.
func (a *Authority) Issue(r Request, now time.Time) (cert, key string, err error) {
	if r.Replace && len(r.Hosts) == 0 {
		if r.Hosts, err = a.hosts(r.Name); err != nil {
			return "", "", err
		}
	}
	tmpl, err := a.plan(r, now)
	if err != nil {
		return "", "", err
	}
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, public, a.key)
	if err != nil {
		return "", "", fmt.Errorf("make a certificate: %w", err)
	}
	if err := writePair(a.dir, r.Name, der, secret, r.Replace); err != nil {
		return "", "", err
	}
	return path(a.dir, r.Name, ".crt"), path(a.dir, r.Name, ".key"), nil
}

// hosts are those that the program's certificate names; none if it has no certificate.
func (a *Authority) hosts(name string) ([]string, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	certs, err := Read(path(a.dir, name, ".crt"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find its hosts: %w", err)
	}
	all := slices.Clone(certs[0].DNSNames)
	for _, ip := range certs[0].IPAddresses {
		all = append(all, ip.String())
	}
	return all, nil
}

// plan checks a request and says what the certificate is to hold.
func (a *Authority) plan(r Request, now time.Time) (*x509.Certificate, error) {
	if err := checkName(r.Name); err != nil {
		return nil, err
	}
	if r.Validity <= 0 {
		return nil, errors.New("a certificate must be valid for some time")
	}
	if !now.Before(a.cert.NotAfter) {
		return nil, fmt.Errorf("the authority ended on %s: make a new one", a.cert.NotAfter.Format(time.DateOnly))
	}
	until := now.Add(r.Validity)
	if until.After(a.cert.NotAfter) {
		until = a.cert.NotAfter
	}
	tmpl := template(r.Name, now, until)
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	hosts := r.Hosts
	if len(hosts) == 0 {
		hosts = []string{r.Name}
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else if goodHost.MatchString(h) && len(h) <= 253 {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		} else {
			return nil, fmt.Errorf("%q is neither the name nor the address of a host", h)
		}
	}
	return tmpl, nil
}

var (
	goodName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$`) // 64: the longest common name
	goodHost = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$`)
)

func checkName(name string) error {
	switch {
	case name == caName:
		return fmt.Errorf("the name %q is the authority's own", name)
	case !goodName.MatchString(name):
		return fmt.Errorf("name %q: want up to 64 letters, digits, '.', '_' and '-', the first a letter, digit or '_'", name)
	}
	return nil
}

func template(name string, now, until time.Time) *x509.Certificate {
	serial := new(big.Int).SetBytes([]byte(rand.Text())[:16])
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-clockError), NotAfter: until, BasicConstraintsValid: true,
	}
}

func path(dir, name, ext string) string { return filepath.Join(dir, name+ext) }

// Read returns the certificates of a PEM file, at least one.
func Read(file string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read certificates: %s: %w", file, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("read certificates: no certificate in %s", file)
	}
	return all, nil
}

// readKey reads a private key that nobody else may read.
func readKey(file string) (crypto.Signer, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("read key: others may read %s (mode %o): chmod 600 it, and make a new authority if they did: %w", file, st.Mode().Perm(), fs.ErrPermission)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("read key: no private key in %s", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read key: %s: %w", file, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("read key: %s holds a key that cannot sign", file)
	}
	return signer, nil
}
