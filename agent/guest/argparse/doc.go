// Package argparse reads command lines by the rules of Python's module of that
// name, as far as grading scripts can see them (TOOLKIT.md 1.3): abbreviated
// long options, clusters of flags, options and positional arguments in any
// order, and above all which argument can be the value of which option.
//
// In one place it is kinder: an option that needs a value takes an argument
// which looks like an option but is none of the program's, where the original
// always failed (TOOLKIT.md 12, F13).
package argparse
