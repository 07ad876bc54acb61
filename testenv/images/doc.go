// Package images builds container images without a container tool: OCI archives
// that containerd imports, made of a few files, equal bytes for equal inputs.
//
// An [Image] is a value: files and a configuration. [Image.Write] turns it into
// an archive with one uncompressed layer. [Demo] is the image of the demo course:
// a static busybox and ingot-init with its commands; its variants lack one or the
// other, to test that the agent can bring ingot-init into an image of strangers.
//
// [Legacy] is an image as INGInious' own, of any family that is in use: [Debian]
// takes Python from packages installed on this machine, and the folder legacy has
// programs for it. They were written from the description of the protocol and
// share nothing with package guest: what both sides of a test were made to agree
// on would prove little.
package images
