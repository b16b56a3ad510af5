//! The general registers in NT_PRSTATUS (pr_reg of `struct elf_prstatus`, an elf_gregset_t).
//!
//! Shapes: Linux include/linux/elfcore.h, and of each machine arch/*/include/uapi/asm/ptrace.h (x86: `user_regs_struct` of
//! asm/user_64.h and user_32.h; s390: `s390_regs`; mips: asm/elf.h and `mips_dump_regs32`; x32: the compat elf_prstatus with the
//! registers of x86-64). Names: those of gdb's `info registers`.

use super::reader::Reader;
use crate::machine::{Class, Machine};
use crate::thread::Registers;

/// What a machine's pr_reg holds.
struct Layout {
    /// e_machine.
    machine: u16,
    class: Class,
    /// Bytes of a register; the first row that fits a note is believed.
    width: usize,
    /// Registers that are narrower: from which index up to which, and their bytes.
    narrow: Option<(usize, usize, usize)>,
    names: &'static [&'static str],
    stack_pointer: &'static str,
    program_counter: &'static str,
}

const fn layout(
    machine: u16,
    class: Class,
    names: &'static [&'static str],
    stack_pointer: &'static str,
    program_counter: &'static str,
) -> Layout {
    let width = match class {
        Class::Bits32 => 4,
        Class::Bits64 => 8,
    };
    Layout { machine, class, width, narrow: None, names, stack_pointer, program_counter }
}

/// Every layout that is known.
const LAYOUTS: &[Layout] = &[
    layout(62, Class::Bits64, X86_64, "rsp", "rip"),
    // x32.
    Layout { width: 8, ..layout(62, Class::Bits32, X86_64, "rsp", "rip") },
    layout(3, Class::Bits32, I386, "esp", "eip"),
    layout(183, Class::Bits64, AARCH64, "sp", "pc"),
    layout(40, Class::Bits32, ARM, "sp", "pc"),
    layout(243, Class::Bits64, RISCV, "sp", "pc"),
    layout(243, Class::Bits32, RISCV, "sp", "pc"),
    Layout { narrow: Some((18, 34, 4)), ..layout(22, Class::Bits64, S390, "r15", "pswa") },
    layout(22, Class::Bits32, S390, "r15", "pswa"),
    layout(21, Class::Bits64, POWERPC, "r1", "pc"),
    layout(20, Class::Bits32, POWERPC, "r1", "pc"),
    layout(8, Class::Bits64, MIPS_NEW, "sp", "pc"),
    // n32, whose registers have 64 bits; the notes of o32 are too short for them.
    Layout { width: 8, ..layout(8, Class::Bits32, MIPS_NEW, "sp", "pc") },
    layout(8, Class::Bits32, MIPS_O32, "sp", "pc"),
    layout(258, Class::Bits64, LOONGARCH, "sp", "pc"),
];

#[rustfmt::skip]
const X86_64: &[&str] = &[
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip",
    "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs",
];
#[rustfmt::skip]
const I386: &[&str] = &[
    "ebx", "ecx", "edx", "esi", "edi", "ebp", "eax", "ds", "es", "fs", "gs", "orig_eax", "eip", "cs", "eflags", "esp", "ss",
];
#[rustfmt::skip]
const AARCH64: &[&str] = &[
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
    "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp", "pc", "cpsr",
];
#[rustfmt::skip]
const ARM: &[&str] = &[
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc", "cpsr", "orig_r0",
];
#[rustfmt::skip]
const RISCV: &[&str] = &[
    "pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4",
    "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];
#[rustfmt::skip]
const S390: &[&str] = &[
    "pswm", "pswa", "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "acr0", "acr1", "acr2", "acr3", "acr4", "acr5", "acr6", "acr7", "acr8", "acr9", "acr10", "acr11", "acr12", "acr13", "acr14",
    "acr15", "orig_r2",
];
#[rustfmt::skip]
const POWERPC: &[&str] = &[
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r16", "r17", "r18",
    "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28", "r29", "r30", "r31", "pc", "msr", "orig_r3", "ctr", "lr",
    "xer", "cr", "softe", "trap", "dar", "dsisr", "result", "", "", "", "",
];
#[rustfmt::skip]
const MIPS_O32: &[&str] = &[
    "", "", "", "", "", "", "", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "s0",
    "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8", "ra", "lo", "hi", "pc", "bad", "sr",
    "cause", "",
];
#[rustfmt::skip]
const MIPS_NEW: &[&str] = &[
    "", "at", "v0", "v1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "s0", "s1", "s2", "s3", "s4",
    "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "s8", "ra", "lo", "hi", "pc", "bad", "sr", "cause", "", "", "", "", "",
    "", "",
];
#[rustfmt::skip]
const LOONGARCH: &[&str] = &[
    "", "ra", "tp", "sp", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8",
    "x", "fp", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "orig_a0", "pc", "badv", "", "", "", "", "", "", "", "", "",
    "",
];

/// Reads the registers of an NT_PRSTATUS note, whose descriptor `note` begins; `None` for a machine that is not known here, or a
/// note too short.
pub(crate) fn read(mut note: Reader<'_>, machine: Machine) -> Option<Registers> {
    // elf_siginfo, pr_cursig; pr_sigpend and pr_sighold; four pids; four times of two longs each.
    let before = machine.class.long().saturating_mul(10).saturating_add(32);
    note.skip(before)?;
    let candidates = LAYOUTS.iter().filter(|one| (one.machine, one.class) == (machine.number, machine.class));
    candidates.filter_map(|one| one.read(note.clone())).next()
}

impl Layout {
    fn read(&self, mut note: Reader<'_>) -> Option<Registers> {
        let mut values = Vec::with_capacity(self.names.len());
        for index in 0..self.names.len() {
            let narrow = self.narrow.filter(|(from, to, _)| (*from..*to).contains(&index));
            values.push(match narrow.map_or(self.width, |(.., width)| width) {
                4 => note.u32()?.into(),
                _ => note.u64()?,
            });
        }
        Some(Registers::new(self.names, values, self.stack_pointer, self.program_counter))
    }
}
