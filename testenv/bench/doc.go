// Package bench measures parts of the system through the seams that they meet
// at in production: real sockets, real files. What a part costs by itself is
// measured by the benchmarks beside it.
package bench
