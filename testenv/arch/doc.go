// Package arch holds the architecture as tests: which package may import
// which, who alone may use a library, and that every package and every
// exported name says its contract. It also installs below a temporary directory,
// to see that settings stay. ARCHITECTURE.md draws the same table for
// people; here it fails the build.
package arch
