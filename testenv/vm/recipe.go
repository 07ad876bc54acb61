package vm

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strconv"
)

//go:embed provision.sh
var provisionScript string

//go:embed guest.sh
var guestScript string

const suite = "trixie"

// recipe is everything that makes an image, but for what the mirror has today.
type recipe struct {
	mirror           string
	keyring          string // path; "" for the host's trusted keys
	provision, guest string // scripts, run in this order in a chroot
	diskMiB          int
	mkfs             []string // options of mke2fs
	dpkg             []string // options of dpkg while it installs
}

func newRecipe(from source) recipe {
	return recipe{
		mirror:    from.uri,
		keyring:   from.signedBy,
		provision: provisionScript,
		guest:     guestScript,
		diskMiB:   16 << 10, // sparse: it takes on the host what is written
		// A disk that nobody keeps needs no journal.
		mkfs: []string{"-q", "-t", "ext4", "-O", "^has_journal", "-E", "lazy_itable_init=1", "-L", "ingot"},
		dpkg: []string{"force-unsafe-io", "path-exclude=/usr/share/man/*",
			"path-exclude=/usr/share/doc/*", "path-exclude=/usr/share/locale/*"},
	}
}

// hash names what r makes. The keyring is left out: it checks, it adds nothing.
func (r recipe) hash() string {
	parts := []string{suite, r.mirror, r.provision, r.guest, strconv.Itoa(r.diskMiB)}
	parts = append(parts, r.mkfs...)
	return digest(append(parts, r.dpkg...))
}

// digest returns 16 hexadecimal digits of a hash over parts, in order and told apart.
func digest(parts []string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
