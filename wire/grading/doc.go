// Package grading holds the messages between an agent and a grading container,
// and those that a student container sends through it (PROTOCOL.md 5.3).
//
// A message is a msgpack map whose "type" names it, in a frame of wire/frame.
// [Decode] and [Append] take and make such maps; [Peek] tells what a frame is and
// whom it is for without decoding it, as some are only forwarded.
//
// Both ends are as strict as Python's: a frame with a map key that is not text
// or bytes, with text that is not UTF-8 or with an extension type is refused as
// a whole. Fields that are missing read as zero, others are ignored: the
// families of images differ in both.
//
// [wire.Raw] values and byte slices share memory with the frame, which a
// frame.Reader reuses. Texts are copies.
package grading
