package wire

// Limits bound what one frame may make a decoder do. They are checked before
// anything is allocated. A zero field means the default.
type Limits struct {
	Frame int // bytes of one frame, default 256 MiB
	Depth int // nesting of arrays and maps, default 512
	Items int // entries of one map or array that is decoded, default 65,536
}
