package cgroups

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// The programs of a guard, in the kernel's assembler so that no compiler is
// needed. All share what decides: see verdict. Registers: r6 is the context, r7
// the storage of the guarded group, r8 where in a packet the protocol's header
// begins, r9 the protocol, 0 if not known.

// Offsets on the stack.
const (
	keyAt    = -24 // ruleKey: its three fields
	jobAt    = -20
	addrAt   = -16
	portAt   = -32
	headerAt = -56 // the first bytes of an IP or TCP header
)

// Offsets in guardState.
const (
	packetsAt = 8
	bytesAt   = 16
	deniedAt  = 24
)

// Offsets in the kernel's struct bpf_sock_addr and __sk_buff.
const (
	sockIP4  = 4
	sockIP6  = 8
	sockPort = 24
	skbLen   = 0
)

const (
	tcp, udp = 6, 17
	flagSYN  = 0x02
	flagACK  = 0x10
)

// mapped is what precedes an IPv4 address in 16 bytes.
var mapped = [4]byte{0, 0, 0xff, 0xff}

// sockAddr is a program that is asked where a socket connects or sends to. What
// it refuses fails with EPERM.
func sockAddr(attach ebpf.AttachType, v6 bool, state, rules int) *ebpf.ProgramSpec {
	in := begin(state)
	if v6 {
		for i := int16(0); i < 16; i += 4 {
			in = append(in, asm.LoadMem(asm.R1, asm.R6, sockIP6+i, asm.Word), asm.StoreMem(asm.RFP, addrAt+i, asm.R1, asm.Word))
		}
	} else {
		in = append(in, asm.LoadMem(asm.R1, asm.R6, sockIP4, asm.Word))
		in = append(in, storeIP4()...)
	}
	in = append(in,
		asm.LoadMem(asm.R1, asm.R6, sockPort, asm.Word),
		asm.HostTo(asm.BE, asm.R1, asm.Half),
		asm.StoreMem(asm.RFP, portAt, asm.R1, asm.Word),
	)
	in = append(in, verdict(rules)...)
	in = append(in, asm.Mov.Imm(asm.R0, 1).WithSymbol("pass"), asm.Return())
	in = append(in, deny("deny")...)
	return &ebpf.ProgramSpec{Name: "ingot_connect", Type: ebpf.CGroupSockAddr, AttachType: attach, Instructions: in, License: license}
}

// egress is a program that is asked about each packet. What it refuses is lost.
func egress(state, rules int) *ebpf.ProgramSpec {
	in := append(begin(state), loadBytes(asm.Mov.Imm(asm.R2, 0), headerAt, 20)...)
	in = append(in,
		asm.JNE.Imm(asm.R0, 0, "drop"),
		asm.LoadMem(asm.R1, asm.RFP, headerAt, asm.Byte),
		asm.Mov.Reg(asm.R8, asm.R1), // has the header's length in words
		asm.RSh.Imm(asm.R1, 4),
		asm.JEq.Imm(asm.R1, 4, "ip4"),
		asm.JNE.Imm(asm.R1, 6, "drop"),
		asm.LoadMem(asm.R9, asm.RFP, headerAt+6, asm.Byte),
		asm.Mov.Imm(asm.R8, 40), // with an extension header the protocol is not TCP, and gets no favour
	)
	in = append(in, loadBytes(asm.Mov.Imm(asm.R2, 24), addrAt, 16)...)
	in = append(in,
		asm.JNE.Imm(asm.R0, 0, "drop"),
		asm.Ja.Label("ports"),

		asm.And.Imm(asm.R8, 15).WithSymbol("ip4"),
		asm.LSh.Imm(asm.R8, 2),
		asm.LoadMem(asm.R9, asm.RFP, headerAt+9, asm.Byte),
		asm.LoadMem(asm.R1, asm.RFP, headerAt+6, asm.Half),
		asm.HostTo(asm.BE, asm.R1, asm.Half),
		asm.And.Imm(asm.R1, 0x1fff),
		asm.JEq.Imm(asm.R1, 0, "whole"),
		asm.Mov.Imm(asm.R9, 0), // a later fragment has no ports
		asm.LoadMem(asm.R1, asm.RFP, headerAt+16, asm.Word).WithSymbol("whole"),
	)
	in = append(in, storeIP4()...)
	in = append(in,
		asm.StoreImm(asm.RFP, portAt, noPort+1, asm.Word).WithSymbol("ports"), // as no rule has it
		asm.JEq.Imm(asm.R9, tcp, "load"),
		asm.JNE.Imm(asm.R9, udp, "decide"),
	)
	load := loadBytes(asm.Mov.Reg(asm.R2, asm.R8), headerAt, 4)
	load[0] = load[0].WithSymbol("load")
	in = append(in, load...)
	in = append(in,
		asm.JNE.Imm(asm.R0, 0, "drop"),
		asm.LoadMem(asm.R1, asm.RFP, headerAt+2, asm.Half),
		asm.HostTo(asm.BE, asm.R1, asm.Half),
		asm.StoreMem(asm.RFP, portAt, asm.R1, asm.Word),
	)
	decide := verdict(rules)
	decide[0] = decide[0].WithSymbol("decide")
	in = append(in, decide...)
	in = append(in, passPacket()...)
	in = append(in, reply()...)
	in = append(in, deny("drop")...)
	return &ebpf.ProgramSpec{Name: "ingot_egress", Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress, Instructions: in, License: license}
}

// reply lets answers through: TCP packets of a connection that the other side
// has opened, as into a published port. As the first packet of a connection that
// the job opens is refused, all others are such answers.
func reply() asm.Instructions {
	in := asm.Instructions{
		asm.JNE.Imm(asm.R9, tcp, "drop").WithSymbol("deny"),
		asm.Mov.Reg(asm.R2, asm.R8),
	}
	in = append(in, loadBytes(asm.Add.Imm(asm.R2, 13), headerAt, 1)...)
	return append(in,
		asm.JNE.Imm(asm.R0, 0, "drop"),
		asm.LoadMem(asm.R1, asm.RFP, headerAt, asm.Byte),
		asm.And.Imm(asm.R1, flagSYN|flagACK),
		asm.JNE.Imm(asm.R1, flagSYN, "pass"),
	)
}

const license = "Apache-2.0"

// begin loads the group's state and puts the job's number into the key.
func begin(state int) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMapPtr(asm.R1, state),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnGetLocalStorage.Call(),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.LoadMem(asm.R1, asm.R7, 0, asm.Word),
		asm.StoreMem(asm.RFP, jobAt, asm.R1, asm.Word),
	}
}

// storeIP4 stores the address in r1 in 16 bytes.
func storeIP4() asm.Instructions {
	return asm.Instructions{
		asm.StoreMem(asm.RFP, addrAt+12, asm.R1, asm.Word),
		asm.StoreImm(asm.RFP, addrAt, 0, asm.Word),
		asm.StoreImm(asm.RFP, addrAt+4, 0, asm.Word),
		asm.Mov.Imm32(asm.R1, int32(binary.NativeEndian.Uint32(mapped[:]))),
		asm.StoreMem(asm.RFP, addrAt+8, asm.R1, asm.Word),
	}
}

// loadBytes copies n bytes of the packet, from the offset that from puts into
// r2, to the stack. r0 is not 0 if the packet has not as many.
func loadBytes(from asm.Instruction, to, n int32) asm.Instructions {
	return asm.Instructions{
		from,
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, to),
		asm.Mov.Imm(asm.R4, n),
		asm.FnSkbLoadBytes.Call(),
	}
}

// verdict jumps to "pass" or goes on at "deny", by address and port: what the
// job's own rules allow, and what no rule for all denies.
func verdict(rules int) asm.Instructions {
	in := lookup(rules)
	in = append(in,
		asm.JEq.Imm(asm.R0, 0, "all"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
		asm.JEq.Imm(asm.R1, anyPort, "pass"),
		asm.LoadMem(asm.R2, asm.RFP, portAt, asm.Word),
		asm.JEq.Reg(asm.R1, asm.R2, "pass"),
		asm.StoreImm(asm.RFP, jobAt, forAll, asm.Word).WithSymbol("all"),
	)
	in = append(in, lookup(rules)...)
	return append(in, asm.JNE.Imm(asm.R0, 0, "deny"))
}

func lookup(rules int) asm.Instructions {
	return asm.Instructions{
		asm.StoreImm(asm.RFP, keyAt, jobBits+128, asm.Word),
		asm.LoadMapPtr(asm.R1, rules),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, keyAt),
		asm.FnMapLookupElem.Call(),
	}
}

// passPacket counts the packet and lets it go.
func passPacket() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R1, 1).WithSymbol("pass"),
		asm.AddAtomic.Mem(asm.R7, asm.R1, asm.DWord, packetsAt),
		asm.LoadMem(asm.R1, asm.R6, skbLen, asm.Word),
		asm.AddAtomic.Mem(asm.R7, asm.R1, asm.DWord, bytesAt),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return(),
	}
}

// deny counts and refuses.
func deny(symbol string) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R1, 1).WithSymbol(symbol),
		asm.AddAtomic.Mem(asm.R7, asm.R1, asm.DWord, deniedAt),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}
}
