// Package apt installs Debian packages that tests stand on, where they are
// missing and where that is allowed: as root, on a system with apt-get.
package apt
