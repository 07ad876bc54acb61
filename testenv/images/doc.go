// Package images builds container images without a container tool: OCI archives
// that containerd imports, made of a few files, equal bytes for equal inputs.
//
// An [Image] is a value: files and a configuration. [Image.Write] turns it into
// an archive with one uncompressed layer. [Demo] is the image of the demo course:
// a static busybox and ingot-init with its commands; its variants lack one or the
// other, to test that the agent can bring ingot-init into an image of strangers.
package images
