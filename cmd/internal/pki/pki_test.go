package pki

import (
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func create(t *testing.T) (*Authority, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	a, err := Create(dir, noon)
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

// A certificate is good for both ends, for its hosts only, and for its time only.
func TestIssue(t *testing.T) {
	a, dir := create(t)
	certFile, keyFile, err := a.Issue(Request{Name: "be", Hosts: []string{"b.example", "192.0.2.1", "::1"}, Validity: 48 * time.Hour}, noon)
	if err != nil {
		t.Fatal(err)
	}
	for file, mode := range map[string]fs.FileMode{keyFile: 0o600, certFile: 0o644, filepath.Join(dir, "ca.key"): 0o600, dir: 0o700} {
		if st, err := os.Stat(file); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %o", file, st, err, mode)
		}
	}
	certs, err := Read(certFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	verify := func(host string, use x509.ExtKeyUsage, at time.Time) error {
		_, err := certs[0].Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{use}})
		return err
	}
	for _, host := range []string{"b.example", "192.0.2.1", "[::1]"} {
		if err := verify(host, x509.ExtKeyUsageServerAuth, noon.Add(time.Hour)); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := verify("", x509.ExtKeyUsageClientAuth, noon.Add(time.Hour)); err != nil {
		t.Errorf("as a client: %v", err)
	}
	if err := verify("", x509.ExtKeyUsageClientAuth, noon.Add(-time.Minute)); err != nil {
		t.Errorf("where the clock is late: %v", err)
	}
	if verify("be", x509.ExtKeyUsageServerAuth, noon) == nil {
		t.Error("good for a host that it does not name")
	}
	if verify("b.example", x509.ExtKeyUsageServerAuth, noon.Add(49*time.Hour)) == nil {
		t.Error("good after its end")
	}
}

// Nobody but the authority signs, and no two certificates have one number.
func TestOnlyTheAuthoritySigns(t *testing.T) {
	a, _ := create(t)
	serials := map[string]bool{a.cert.SerialNumber.String(): true}
	for _, name := range []string{"x", "y"} {
		file, _, err := a.Issue(Request{Name: name, Validity: time.Hour}, noon)
		if err != nil {
			t.Fatal(err)
		}
		certs, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		if c := certs[0]; c.IsCA || c.KeyUsage&x509.KeyUsageCertSign != 0 {
			t.Errorf("%s may sign others", name)
		}
		serials[certs[0].SerialNumber.String()] = true
	}
	if len(serials) != 3 {
		t.Errorf("three certificates have the numbers %v", serials)
	}
	if a.cert.MaxPathLen != 0 || !a.cert.MaxPathLenZero {
		t.Error("the authority may make others")
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	a, dir := create(t)
	if _, err := Create(dir, noon); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second authority: %v, want fs.ErrExist", err)
	}
	r := Request{Name: "x", Validity: time.Hour}
	if err := os.WriteFile(filepath.Join(dir, "x.crt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Issue(r, noon); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a certificate: %v, want fs.ErrExist", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "x.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key without its certificate is left: %v", err)
	}
	r.Replace, r.Hosts = true, []string{"x"} // what is there names none
	certFile, keyFile, err := a.Issue(r, noon)
	if err != nil {
		t.Fatal(err)
	}
	certs, err := Read(certFile)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := readKey(keyFile); err != nil || !certs[0].PublicKey.(ed25519.PublicKey).Equal(key.Public()) {
		t.Errorf("the replaced pair does not belong together: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestBadRequests(t *testing.T) {
	a, dir := create(t)
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "ca", "../x", "a/b", ".x", "-x", "a b", "ü", "x\n", strings.Repeat("x", 65)} {
		if _, _, err := a.Issue(Request{Name: name, Hosts: []string{"h"}, Validity: time.Hour}, noon); err == nil {
			t.Errorf("name %q is taken", name)
		}
	}
	for _, host := range []string{"", "*", "a..b", "-a", "a b", "a/b", "tcp://h", "h:1", strings.Repeat("x", 64)} {
		if _, _, err := a.Issue(Request{Name: "x", Hosts: []string{host}, Validity: time.Hour}, noon); err == nil {
			t.Errorf("host %q is taken", host)
		}
	}
	if _, _, err := a.Issue(Request{Name: "x"}, noon); err == nil {
		t.Error("a certificate for no time is made")
	}
	if _, _, err := a.Issue(Request{Name: "x", Validity: time.Hour}, noon.Add(2*caLife)); err == nil {
		t.Error("an authority that ended signs")
	}
	if after, err := os.ReadDir(dir); err != nil || len(after) != len(before) {
		t.Errorf("refusals left files: %v, %v", after, err)
	}
}

func TestEndsWithTheAuthority(t *testing.T) {
	a, _ := create(t)
	certFile, _, err := a.Issue(Request{Name: "x", Validity: 2 * caLife}, noon)
	if err != nil {
		t.Fatal(err)
	}
	certs, err := Read(certFile)
	if err != nil || !certs[0].NotAfter.Equal(a.cert.NotAfter) {
		t.Errorf("ends %v, %v; the authority %v", certs, err, a.cert.NotAfter)
	}
	if certs[0].VerifyHostname("x") != nil || certs[0].VerifyHostname("127.0.0.1") == nil {
		t.Errorf("without hosts it is for %q", certs[0].DNSNames)
	}
}

func TestBadAuthorities(t *testing.T) {
	_, dir := create(t)
	_, other := create(t)
	copyOver := func(from, to string) {
		text, err := os.ReadFile(filepath.Join(other, from))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	copyOver("ca.key", "ca.key")
	if _, err := Open(dir); err == nil {
		t.Error("a key of another authority is taken")
	}
	copyOver("ca.crt", "ca.crt")
	if _, err := Open(dir); err != nil {
		t.Errorf("a whole copy: %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, "ca.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a key that others can read: %v", err)
	}
	copyOver("ca.crt", "ca.key")
	if _, err := Open(dir); err == nil {
		t.Error("a certificate is taken for a key")
	}
}

// Renewing keeps the hosts, unless others are given.
func TestRenewalKeepsHosts(t *testing.T) {
	a, _ := create(t)
	r := Request{Name: "be", Replace: true, Validity: time.Hour}
	for _, step := range []struct{ give, want string }{
		{"", "be"}, {"b.example 192.0.2.1 ::1", "b.example 192.0.2.1 ::1"}, {"", "b.example 192.0.2.1 ::1"}, {"c.example", "c.example"}, {"", "c.example"},
	} {
		r.Hosts = strings.Fields(step.give)
		if _, _, err := a.Issue(r, noon); err != nil {
			t.Fatal(err)
		}
		if got, err := a.hosts(r.Name); err != nil || strings.Join(got, " ") != step.want {
			t.Errorf("given %q: %q, %v; want %q", step.give, got, err, step.want)
		}
	}
	if err := os.WriteFile(path(a.dir, "be", ".crt"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Hosts = nil
	if _, _, err := a.Issue(r, noon); err == nil {
		t.Error("hosts that cannot be read are forgotten")
	}
	r.Hosts = []string{"be"}
	if _, _, err := a.Issue(r, noon); err != nil {
		t.Error(err)
	}
}
