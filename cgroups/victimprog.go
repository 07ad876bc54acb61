package cgroups

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// The programs that name the victims of the OOM killer. The kernel's trace of a
// kill tells the victim's number (before 6.8) or the address of its task, and
// nothing else without knowing the layout of a task. So a first program only
// notes that, and a second one that runs when a task exits, in that task, has the
// rest from helpers.

// mark notes when a task was chosen, by what the kernel calls it.
func mark(marked int) *ebpf.ProgramSpec {
	const keyAt, whenAt = -8, -16
	return &ebpf.ProgramSpec{Name: "ingot_oom_mark", Type: ebpf.RawTracepoint, License: license, Instructions: asm.Instructions{
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),
		asm.StoreMem(asm.RFP, keyAt, asm.R1, asm.DWord),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.RFP, whenAt, asm.R0, asm.DWord),
		asm.LoadMapPtr(asm.R1, marked),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, keyAt),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, whenAt),
		asm.Mov.Imm(asm.R4, 0), // whatever is there
		asm.FnMapUpdateElem.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}}
}

// exit records a marked task as its group's victim, unless one that was marked
// before it is recorded: where a whole group is killed, the first is to blame.
func exit(marked, victims int) *ebpf.ProgramSpec {
	const keyAt, groupAt, recordAt = -8, -16, -16 - victimSize
	find := func(in asm.Instructions, m, key int32) asm.Instructions {
		return append(in, asm.LoadMapPtr(asm.R1, int(m)), asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, key), asm.FnMapLookupElem.Call())
	}
	in := asm.Instructions{
		asm.LoadMem(asm.R6, asm.R1, 0, asm.DWord), // the task
		asm.StoreMem(asm.RFP, keyAt, asm.R6, asm.DWord),
		asm.FnGetCurrentPidTgid.Call(),
		asm.Mov.Reg(asm.R7, asm.R0),
	}
	in = find(in, int32(marked), keyAt)
	in = append(in,
		asm.JNE.Imm(asm.R0, 0, "marked"),
		asm.Mov.Reg32(asm.R6, asm.R7), // the number of the thread
		asm.StoreMem(asm.RFP, keyAt, asm.R6, asm.DWord),
	)
	in = find(in, int32(marked), keyAt)
	in = append(in,
		asm.JEq.Imm(asm.R0, 0, "end"),
		asm.LoadMem(asm.R8, asm.R0, 0, asm.DWord).WithSymbol("marked"), // when
		asm.LoadMapPtr(asm.R1, marked),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, keyAt),
		asm.FnMapDeleteElem.Call(),
		asm.FnGetCurrentCgroupId.Call(),
		asm.StoreMem(asm.RFP, groupAt, asm.R0, asm.DWord),
	)
	in = find(in, int32(victims), groupAt)
	in = append(in,
		asm.JEq.Imm(asm.R0, 0, "record"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.JLE.Reg(asm.R1, asm.R8, "end"),

		asm.StoreMem(asm.RFP, recordAt, asm.R8, asm.DWord).WithSymbol("record"),
		asm.RSh.Imm(asm.R7, 32), // the number of the process
		asm.StoreMem(asm.RFP, recordAt+8, asm.R7, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.RFP),
		asm.Add.Imm(asm.R1, recordAt+16),
		asm.Mov.Imm(asm.R2, nameSize),
		asm.FnGetCurrentComm.Call(),
		asm.LoadMapPtr(asm.R1, victims),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, groupAt),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, recordAt),
		asm.Mov.Imm(asm.R4, 0), // whatever is there
		asm.FnMapUpdateElem.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
		asm.Return(),
	)
	return &ebpf.ProgramSpec{Name: "ingot_oom_exit", Type: ebpf.RawTracepoint, License: license, Instructions: in}
}
