package agent

import (
	"math"
	"strconv"
)

// RoundGrade rounds to two decimals as Python's round does: half to even on the
// exact binary value, so 33.335 gives 33.34 and 2.675 gives 2.67. NaN and
// infinities stay (PROTOCOL.md 1.6). Every result passes through it.
func RoundGrade(grade float64) float64 {
	if math.IsNaN(grade) || math.IsInf(grade, 0) {
		return grade
	}
	var buf [330]byte // the longest float64 with two decimals
	rounded, err := strconv.ParseFloat(string(strconv.AppendFloat(buf[:0], grade, 'f', 2, 64)), 64)
	if err != nil {
		return grade
	}
	return rounded
}
