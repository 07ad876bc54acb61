package pyjson

import (
	"fmt"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

// Int is an integer of any size in decimal, without leading zeros or a plus.
type Int string

// Bytes is binary data of a msgpack message.
type Bytes []byte

// Object is a JSON object that keeps the order of its keys. The zero value is
// an empty one.
type Object struct {
	keys   []string
	values map[string]any
}

// Keys are the keys in order. The slice is the object's own.
func (o *Object) Keys() []string { return o.keys }

// Len is the number of keys.
func (o *Object) Len() int { return len(o.keys) }

// Get returns the value of key, and whether there is one.
func (o *Object) Get(key string) (any, bool) {
	v, ok := o.values[key]
	return v, ok
}

// Set gives key a value. A new key comes last, a known one keeps its place.
func (o *Object) Set(key string, v any) {
	if o.values == nil {
		o.values = make(map[string]any)
	}
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = v
}

// Text prints v as Python's str does where that is the same for all versions:
// strings as they are, numbers, True and False. Other values are not printed.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Int:
		return string(v), true
	case float64:
		return pytext.FormatFloat(v), true
	case bool:
		if v {
			return "True", true
		}
		return "False", true
	}
	return "", false
}

// Number guesses the type of a text: an integer, else a float, else the text
// itself (TOOLKIT.md 3.4).
func Number(s string) any {
	if i, ok := pytext.Int(s); ok {
		return Int(i)
	}
	if f, ok := pytext.Float(s); ok {
		return f
	}
	return s
}

// errType says that a value is not of a type that its place allows.
func errType(v any) error { return fmt.Errorf("a value of type %T has no place here", v) }
