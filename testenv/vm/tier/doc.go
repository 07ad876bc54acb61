// Package tier says where a test can run, and fails it anywhere else.
//
// Most tests are unit tests and need nothing. A test that needs more lives in a
// file with a build constraint of the tier's name,
//
//	//go:build vm
//
// so that a plain go test does not know of it and has nothing to skip, and its
// first line is
//
//	tier.Require(t, tier.VM)
//
// which fails the test if the file was built but the place is not the right
// one. Whoever runs the tests of a tier builds with -tags and sets INGOT_TIER:
// "vm test" does both. A test of two tiers says "//go:build vm || native" and
// requires either.
package tier
