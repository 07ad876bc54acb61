// Package pyjson reads and writes JSON exactly as Python's json module does,
// because graders' scripts compare the files byte for byte (TOOLKIT.md 1.6):
// the order of keys is kept, integers have any size, floats stay floats, NaN and
// Infinity are words, all but ASCII is escaped. The same values also convert
// from and to msgpack, which is what the agent speaks.
//
// A value is one of nil, bool, [Int], float64, string, [Bytes], []any and
// [*Object]. Bytes come from msgpack only; JSON has none and refuses them.
package pyjson
