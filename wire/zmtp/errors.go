package zmtp

import "errors"

// Why a connection ended, beside the errors of the network. A PeerDown carries
// them wrapped. A peer that closed cleanly gives io.EOF.
var (
	ErrClosed   = errors.New("this end was closed")
	ErrReplaced = errors.New("a newer connection came with the same identity")
	ErrTooLarge = errors.New("more than the limit allows")
	ErrProtocol = errors.New("not ZMTP")
	ErrSilent   = errors.New("nothing heard from the peer")
	ErrStalled  = errors.New("the peer does not read")
	ErrRefused  = errors.New("credentials refused")
)
