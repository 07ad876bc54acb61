package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writePair writes NAME.key and NAME.crt, both or none. Each appears whole, and
// takes the place of an older one only if replace says so.
func writePair(dir, name string, cert []byte, key crypto.Signer, replace bool) error {
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode a key: %w", err)
	}
	keyFile, certFile := path(dir, name, ".key"), path(dir, name, ".crt")
	if err := writeFile(keyFile, "PRIVATE KEY", secret, 0o600, replace); err != nil {
		return err
	}
	if err := writeFile(certFile, "CERTIFICATE", cert, 0o644, replace); err != nil {
		if !replace { // the key is ours: it was not there before
			err = errors.Join(err, os.Remove(keyFile))
		}
		return err
	}
	return nil
}

func writeFile(file, kind string, der []byte, mode os.FileMode, replace bool) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*") // mode 0600 from the start
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	err = errors.Join(pem.Encode(tmp, &pem.Block{Type: kind, Bytes: der}), tmp.Chmod(mode), tmp.Close())
	switch {
	case err != nil:
	case replace:
		err = os.Rename(tmp.Name(), file)
	default:
		err = os.Link(tmp.Name(), file) // unlike a rename, it refuses to overwrite
	}
	if err == nil && replace {
		return nil // the temporary name is gone
	}
	if errors.Is(err, fs.ErrExist) {
		err = fs.ErrExist // without the temporary name
	}
	if err = errors.Join(err, os.Remove(tmp.Name())); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
