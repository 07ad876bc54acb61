package mcq

import (
	"slices"

	"github.com/ingot-grading/ingot/wire"
)

// inputs finds answers by their problem's id.
type inputs struct {
	list []input
	keys map[string]int // into list; nil while a search is as quick
}

type input struct {
	key   []byte
	value value
}

// searchLimit is up to how many inputs are searched one by one.
const searchLimit = 32

// read indexes a job's inputdata. Keys that are no text answer no problem.
func (in *inputs) read(data wire.Raw) error {
	in.list, in.keys = in.list[:0], nil
	w, ok := topLevel(data)
	for ok && w.left > 0 {
		key, val := w.pair()
		if s, ok := key.text(); ok {
			in.list = append(in.list, input{s, val})
		}
	}
	if !ok || !w.whole() {
		return &fault{answer: true, what: "the inputs are not a map of at most 65536 entries"}
	}
	if len(in.list) > searchLimit {
		in.keys = make(map[string]int, len(in.list))
		for i, e := range in.list {
			in.keys[string(e.key)] = i
		}
	}
	return nil
}

// get returns the input under key, absent if there is none. The last of several
// counts, as in Python.
func (in *inputs) get(key []byte) value {
	if in.keys != nil {
		if i, ok := in.keys[string(key)]; ok {
			return in.list[i].value
		}
		return nil
	}
	for _, e := range slices.Backward(in.list) {
		if string(e.key) == string(key) {
			return e.value
		}
	}
	return nil
}
