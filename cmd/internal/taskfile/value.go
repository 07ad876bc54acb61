package taskfile

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tinylib/msgp/msgp"
	"go.yaml.in/yaml/v4"
)

// Bounds of what a file may make of itself.
const (
	maxDepth  = 100
	maxValues = 65536 // more could not be sent: wire.Limits
)

var errTooMuch = errors.New("aliases make it too large or too deep")

// mapping keeps the order of its keys' first appearance, as Python's dict.
type mapping struct {
	keys   []any // scalars
	values []any
	index  map[any]int // by sameKey
}

// sameKey is equal for keys that Python holds for one: 1, 1.0 and true.
func sameKey(k any) any {
	switch k := k.(type) {
	case bool:
		if k {
			return int64(1)
		}
		return int64(0)
	case float64:
		if i := int64(k); math.Abs(k) < 1<<62 && float64(i) == k {
			return i
		}
	case []byte:
		return bytesKey(k)
	}
	return k
}

// bytesKey is what a map can be indexed with for bytes.
type bytesKey string

// set gives key a value, at its old place if it has one.
func (m *mapping) set(key, value any) {
	same := sameKey(key)
	if i, ok := m.index[same]; ok {
		m.values[i] = value
		return
	}
	if m.index == nil {
		m.index = map[any]int{}
	}
	m.index[same] = len(m.keys)
	m.keys, m.values = append(m.keys, key), append(m.values, value)
}

// get returns a value; nil if m is nil or has no such key.
func (m *mapping) get(key string) any {
	if m == nil {
		return nil
	}
	if i, ok := m.index[key]; ok {
		return m.values[i]
	}
	return nil
}

// clone is a copy whose values are m's own.
func (m *mapping) clone() *mapping {
	c := &mapping{}
	if m != nil {
		for i, k := range m.keys {
			c.set(k, m.values[i])
		}
	}
	return c
}

// builder makes values of nodes, within bounds.
type builder struct{ made int }

func (b *builder) spend(depth int) error {
	if b.made++; b.made > maxValues || depth > maxDepth {
		return errTooMuch
	}
	return nil
}

// value makes the value of n: that of a scalar, []any, *mapping or unsendable.
func (b *builder) value(n *yaml.Node, depth int) (any, error) {
	if err := b.spend(depth); err != nil {
		return nil, fmt.Errorf("line %d: %w", n.Line, err)
	}
	switch n = target(n); {
	case n.Kind == yaml.ScalarNode:
		return scalar(n)
	case slices.Contains([]string{"!!set", "!!omap", "!!pairs"}, n.ShortTag()):
		return unsendable("a " + n.ShortTag()), nil
	case n.Kind == yaml.SequenceNode && wellTagged(n, "!!seq"):
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := b.value(c, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case n.Kind == yaml.MappingNode && wellTagged(n, "!!map"):
		return b.mapping(n, depth)
	}
	return nil, fmt.Errorf("line %d: type %s is not known here", n.Line, n.ShortTag())
}

func wellTagged(n *yaml.Node, tag string) bool { return n.Tag == "!" || n.ShortTag() == tag }

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (b *builder) mapping(n *yaml.Node, depth int) (*mapping, error) {
	nodes, err := b.pairs(n, depth)
	if err != nil {
		return nil, err
	}
	m := &mapping{}
	for i := 0; i < len(nodes); i += 2 {
		key, err := b.key(nodes[i], depth)
		if err != nil {
			return nil, err
		}
		value, err := b.value(nodes[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		m.set(key, value)
	}
	return m, nil
}

func (b *builder) key(n *yaml.Node, depth int) (any, error) {
	if t := target(n); t.Kind == yaml.ScalarNode && tagOf(t) == "!!value" {
		return t.Value, nil
	}
	k, err := b.value(n, depth+1)
	if err != nil {
		return nil, err
	}
	switch k.(type) {
	case []any, *mapping:
		return nil, fmt.Errorf("line %d: a key must be a single value", n.Line)
	}
	return k, nil
}

// pairs lists keys and values of a mapping, those it merges in ("<<") first: so
// its own win, and of merged ones the first.
func (b *builder) pairs(n *yaml.Node, depth int) ([]*yaml.Node, error) {
	if err := b.spend(depth); err != nil {
		return nil, fmt.Errorf("line %d: %w", n.Line, err)
	}
	var merged, own []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], target(n.Content[i+1])
		if k := target(key); k.Kind != yaml.ScalarNode || tagOf(k) != "!!merge" {
			own = append(own, key, n.Content[i+1])
			continue
		}
		from := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			from = slices.Clone(value.Content)
			slices.Reverse(from)
		}
		for _, f := range from {
			if f = target(f); f.Kind != yaml.MappingNode {
				return nil, fmt.Errorf("line %d: only mappings can be merged", f.Line)
			}
			more, err := b.pairs(f, depth+1)
			if err != nil {
				return nil, err
			}
			b.made += len(more) / 2
			merged = append(merged, more...)
		}
	}
	return append(merged, own...), nil
}

// appendValue appends v as msgpack in its shortest form, as Python does.
func appendValue(b []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case nil:
		return msgp.AppendNil(b), nil
	case bool:
		return msgp.AppendBool(b, v), nil
	case int64:
		if v >= 0 {
			return msgp.AppendUint64(b, uint64(v)), nil
		}
		return msgp.AppendInt64(b, v), nil
	case uint64:
		return msgp.AppendUint64(b, v), nil
	case float64:
		return msgp.AppendFloat64(b, v), nil
	case string:
		return msgp.AppendString(b, v), nil
	case []byte:
		return msgp.AppendBytes(b, v), nil
	case []any:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for i := 0; i < len(v) && err == nil; i++ {
			b, err = appendValue(b, v[i])
		}
		return b, err
	case *mapping:
		b = msgp.AppendMapHeader(b, uint32(len(v.keys)))
		for i := 0; i < len(v.keys) && err == nil; i++ {
			if b, err = appendValue(b, v.keys[i]); err == nil {
				b, err = appendValue(b, v.values[i])
			}
			if err != nil {
				err = fmt.Errorf("%v: %w", v.keys[i], err)
			}
		}
		return b, err
	case unsendable:
		return nil, fmt.Errorf("%s cannot be sent", string(v))
	}
	return nil, fmt.Errorf("a %T cannot be sent", v)
}
