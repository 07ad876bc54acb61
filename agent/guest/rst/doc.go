// Package rst makes pieces of reStructuredText for feedback (TOOLKIT.md 6): code
// blocks, admonitions, inline images, indentation. All functions are pure; the
// blocks they return begin and end with the blank lines that they need.
package rst
