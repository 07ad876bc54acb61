// Package mainproc is INGInious, the main process of a grading container
// (PROTOCOL.md 5.4, TOOLKIT.md 9). It reads frames from the agent on standard
// input and writes frames on standard output; the last one is the result.
//
//	start frame → inputs and rights → grading script → feedback → result frame
//
// It runs as root and must never do for a script what the script could not do
// itself. So it follows no link below a directory that others can write to,
// waits for nothing but the script, and before it looks at what the script
// left it ends every process the script left too.
//
// Whatever happens after the start frame, exactly one result frame is written.
package mainproc
