// Package pki is the certificate authority of a small site: one directory with
// one key, from which the programs of the site get certificates to prove to each
// other that they belong together.
//
//	DIR/ca.crt     the authority's certificate, --tls-ca of every program
//	DIR/ca.key     its key, mode 0600; it can stay on a machine without network
//	DIR/NAME.crt   certificate of one program, --tls-cert
//	DIR/NAME.key   its key, mode 0600, --tls-key
//
// Keys are Ed25519, in PKCS #8; certificates are X.509 version 3; all is PEM. A
// certificate is good for both ends of a connection, but as a server only for
// the hosts that it names. There is no list of revoked ones: a program that must
// be locked out means a new authority, which is two commands and a reload.
package pki
