package pyjson

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/ingot-grading/ingot/agent/guest/pytext"
)

var errTrailing = errors.New("data after the message")

// FromMsgpack reads one msgpack value that fills b. Bytes share memory with b.
// Keys of maps must be texts. Nothing is allocated by an announced length.
func FromMsgpack(b []byte) (any, error) {
	v, rest, err := fromMsgpack(b, 0)
	if err == nil && len(rest) > 0 {
		err = errTrailing
	}
	if err != nil {
		return nil, fmt.Errorf("read msgpack: %w", err)
	}
	return v, nil
}

func fromMsgpack(b []byte, depth int) (any, []byte, error) {
	if depth > maxDepth {
		return nil, b, ErrDepth
	}
	switch msgp.NextType(b) {
	case msgp.NilType:
		b, err := msgp.ReadNilBytes(b)
		return nil, b, err
	case msgp.BoolType:
		return read(msgp.ReadBoolBytes(b))
	case msgp.IntType:
		i, b, err := msgp.ReadInt64Bytes(b)
		return Int(strconv.FormatInt(i, 10)), b, err
	case msgp.UintType:
		u, b, err := msgp.ReadUint64Bytes(b)
		return Int(strconv.FormatUint(u, 10)), b, err
	case msgp.Float64Type, msgp.Float32Type:
		return read(msgp.ReadFloat64Bytes(b))
	case msgp.StrType:
		s, b, err := msgp.ReadStringZC(b)
		return pytext.Clean(s), b, err
	case msgp.BinType:
		v, b, err := msgp.ReadBytesZC(b)
		return Bytes(v), b, err
	case msgp.ArrayType:
		return fromArray(b, depth)
	case msgp.MapType:
		return fromMap(b, depth)
	}
	return nil, b, errType(msgp.NextType(b))
}

func read[T any](v T, b []byte, err error) (any, []byte, error) { return v, b, err }

func fromArray(b []byte, depth int) (any, []byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, b, err
	}
	a := []any{}
	for range n {
		var v any
		if v, b, err = fromMsgpack(b, depth+1); err != nil {
			return nil, b, err
		}
		a = append(a, v)
	}
	return a, b, nil
}

func fromMap(b []byte, depth int) (any, []byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, b, err
	}
	o := new(Object)
	for range n {
		var key []byte
		var v any
		if key, b, err = msgp.ReadStringZC(b); err != nil {
			return nil, b, err
		}
		if v, b, err = fromMsgpack(b, depth+1); err != nil {
			return nil, b, err
		}
		o.Set(pytext.Clean(key), v)
	}
	return o, b, nil
}

// AppendMsgpack adds v to b. What msgpack cannot express is sent as what comes
// next to it rather than losing the whole message (TOOLKIT.md 12, F7, F12): an
// integer beyond 64 bits as a float, a lone surrogate as U+FFFD.
func AppendMsgpack(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return msgp.AppendBool(b, v)
	case Int:
		return appendInt(b, v)
	case float64:
		return msgp.AppendFloat64(b, v)
	case string:
		return msgp.AppendString(b, wellFormed(v))
	case Bytes:
		return msgp.AppendBytes(b, v)
	case []any:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for _, e := range v {
			b = AppendMsgpack(b, e)
		}
		return b
	case *Object:
		b = msgp.AppendMapHeader(b, uint32(len(v.keys)))
		for _, k := range v.keys {
			b = AppendMsgpack(AppendMsgpack(b, k), v.values[k])
		}
		return b
	}
	return msgp.AppendNil(b)
}

// wellFormed replaces each lone surrogate of s.
func wellFormed(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for s != "" {
		r, n := decodeRune(s)
		out.WriteRune(r) // which writes a surrogate as U+FFFD
		s = s[n:]
	}
	return out.String()
}

func appendInt(b []byte, v Int) []byte {
	if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return msgp.AppendInt64(b, i)
	}
	if u, err := strconv.ParseUint(string(v), 10, 64); err == nil {
		return msgp.AppendUint64(b, u)
	}
	f, _ := strconv.ParseFloat(string(v), 64) // digits only: the one possible error comes with an infinity
	if math.IsInf(f, 0) {
		f = math.Copysign(math.MaxFloat64, f)
	}
	return msgp.AppendFloat64(b, f)
}

// Fits reports whether an integer can be sent as one.
func (i Int) Fits() bool {
	_, err := strconv.ParseInt(string(i), 10, 64)
	if err != nil {
		_, err = strconv.ParseUint(string(i), 10, 64)
	}
	return err == nil
}
