package main

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ingot-grading/ingot/cmd/internal/pki"
)

// certCmd makes certificates for the programs of a site.
type certCmd struct {
	Init  certInitCmd  `cmd:"" help:"Make a certificate authority in a directory."`
	Issue certIssueCmd `cmd:"" help:"Make a key and a certificate for one program."`
	Show  certShowCmd  `cmd:"" help:"Show what a certificate says; status 1 if it is not valid now."`
}

// Help is the guide.
func (certCmd) Help() string {
	return `With certificates only your own programs can connect to the address for agents:

  ingot cert init pki
  ingot cert issue pki backend --host grading.example.org --host 192.0.2.7
  ingot cert issue pki grader1

Copy ca.crt, backend.crt and backend.key to the backend, and ca.crt, grader1.crt and
grader1.key to that agent. ca.key goes nowhere. Then the address for agents becomes a
tls:// one. That for webapps, which cannot do TLS, stays as it is:

  inginious-backend tls://*:2001 tcp://127.0.0.1:2000 \
      --tls-ca ca.crt --tls-cert backend.crt --tls-key backend.key
  inginious-agent-containerd tls://grading.example.org:2001 \
      --tls-ca ca.crt --tls-cert grader1.crt --tls-key grader1.key

The backend's certificate must name each host that agents dial. To renew one, issue it
again with --replace, copy it and restart the program.`
}

type certInitCmd struct {
	Dir string `arg:"" type:"path" help:"Directory for the authority; it is made if it is not there."`
}

// Run makes the authority.
func (c *certInitCmd) Run() error {
	if _, err := pki.Create(c.Dir, time.Now()); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%w: there is an authority already, and nothing was changed", err)
		}
		return err
	}
	fmt.Printf("%s/ca.crt is for every program, %s/ca.key for nobody but you\n", c.Dir, c.Dir)
	return nil
}

type certIssueCmd struct {
	Dir     string   `arg:"" type:"path" help:"Directory of the authority."`
	Name    string   `arg:"" help:"Name of the program or machine; the files are named for it."`
	Host    []string `placeholder:"HOST" help:"Name or address under which others dial it; repeatable. If not given those of the certificate that it replaces, else NAME."`
	Days    int      `default:"730" help:"How long it is valid (${default}); at most as long as the authority."`
	Replace bool     `help:"Replace one that was issued under that name."`
}

// Run issues the certificate.
func (c *certIssueCmd) Run() error {
	if c.Days < 1 || c.Days > 36500 {
		return fmt.Errorf("--days %d: want 1 to 36500", c.Days)
	}
	a, err := pki.Open(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w (ingot cert init %s makes an authority)", err, c.Dir)
	}
	if err != nil {
		return err
	}
	cert, key, err := a.Issue(pki.Request{Name: c.Name, Hosts: c.Host, Validity: time.Duration(c.Days) * 24 * time.Hour, Replace: c.Replace}, time.Now())
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: use --replace to renew it", err)
	}
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%s\n", cert, key)
	return nil
}

type certShowCmd struct {
	File string `arg:"" type:"existingfile" help:"PEM file of one or more certificates."`
}

// Run shows the certificates of the file.
func (c *certShowCmd) Run() error {
	certs, err := pki.Read(c.File)
	if err != nil {
		return err
	}
	return showCerts(os.Stdout, certs, time.Now())
}

func showCerts(out io.Writer, certs []*x509.Certificate, now time.Time) error {
	bad := false
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, c := range certs {
		hosts := c.DNSNames
		for _, ip := range c.IPAddresses {
			hosts = append(hosts, ip.String())
		}
		use := "program"
		if c.IsCA {
			use = "authority"
		}
		valid := fmt.Sprintf("%d days left", int(c.NotAfter.Sub(now).Hours()/24))
		switch {
		case now.After(c.NotAfter):
			bad, valid = true, "ended"
		case now.Before(c.NotBefore):
			bad, valid = true, "not yet valid"
		}
		fmt.Fprintf(w, "name\t%s (%s)\n", c.Subject.CommonName, use)
		if len(hosts) > 0 {
			fmt.Fprintf(w, "hosts\t%s\n", strings.Join(hosts, ", "))
		}
		fmt.Fprintf(w, "signed by\t%s\n", c.Issuer.CommonName)
		fmt.Fprintf(w, "valid\t%s to %s: %s\n", c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), valid)
		fmt.Fprintf(w, "sha256\t%x\n", sha256.Sum256(c.Raw))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if bad {
		return errUnlike
	}
	return nil
}
