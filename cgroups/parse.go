package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// errSyntax says that a file is not in the form that the kernel documents.
var errSyntax = errors.New("unexpected text")

// parseFlat fills values from lines "key number" (the kernel's flat keyed form).
// Keys that nobody asked for are passed over, so that newer kernels may add some.
func parseFlat(r io.Reader, values map[string]*int64) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		key, text, ok := strings.Cut(lines.Text(), " ")
		if !ok {
			return fmt.Errorf("%w: %q", errSyntax, lines.Text())
		}
		v := values[key]
		if v == nil {
			continue
		}
		var err error
		if *v, err = parseNumber(text); err != nil {
			return err
		}
	}
	return lines.Err()
}

// parseValue takes one number on one line.
func parseValue(r io.Reader) (int64, error) {
	lines := bufio.NewScanner(r)
	if !lines.Scan() {
		if err := lines.Err(); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("%w: empty", errSyntax)
	}
	return parseNumber(lines.Text())
}

// parseNumber takes a number without sign, or "max". What does not fit is the
// largest number there is.
func parseNumber(text string) (int64, error) {
	if text == "max" {
		return math.MaxInt64, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%w: %q is no number", errSyntax, text)
	}
	return int64(min(n, math.MaxInt64)), nil
}

// parseIO sums lines "major:minor key=number …". Some kernels leave out the
// numbers of a device, and then even the end of its line.
func parseIO(r io.Reader) (IO, error) {
	var sum IO
	fields := map[string]*int64{
		"rbytes": &sum.ReadBytes, "wbytes": &sum.WrittenBytes, "rios": &sum.Reads, "wios": &sum.Writes,
	}
	all := bufio.NewScanner(r)
	all.Split(bufio.ScanWords)
	for all.Scan() {
		key, text, ok := strings.Cut(all.Text(), "=")
		v := fields[key]
		if !ok || v == nil {
			continue
		}
		n, err := parseNumber(text)
		if err != nil {
			return IO{}, err
		}
		*v = addClamped(*v, n)
	}
	return sum, all.Err()
}

func addClamped(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func usec(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(time.Microsecond))) * time.Microsecond
}

// countCPUs counts the CPUs of a list such as "0-3,7"; 0 if it is none.
func countCPUs(list string) int {
	n := 0
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, errA := strconv.ParseUint(from, 10, 16)
		b, errB := strconv.ParseUint(to, 10, 16)
		if errA != nil || errB != nil || a > b {
			return 0
		}
		n += int(b-a) + 1
	}
	return n
}
