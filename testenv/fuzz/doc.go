// Package fuzz runs the fuzz targets of this project for a while each, several at
// a time:
//
//	go run ./testenv/fuzz/cmd/fuzz -time 60s ./wire
//
// Go's fuzzer sometimes fails when its time is up in the middle of an input, and
// finds nothing by that. A real find leaves its input below testdata/fuzz. So a
// run that fails and leaves none is done again, once, if the inputs that are
// known still pass.
package fuzz
