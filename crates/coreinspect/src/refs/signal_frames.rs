//! Frames that the kernel pushes for a signal's handler: what stood in the registers of the interrupted code, and which alternate
//! stack the thread had.
//!
//! Shapes: `rt_sigframe` and `sigframe_ia32` of Linux arch/x86/include/asm/sigframe.h with asm/sigcontext.h; `rt_sigframe` of
//! arch/arm64/kernel/signal.c with asm/sigcontext.h. They are known by what the kernel always writes there: selectors, the
//! reserved bit of the flags, pointers to their own parts, the magic of the first record. A heuristic, but one that no other
//! data is likely to pass.

use crate::machine::Machine;
use crate::position::{Address, Interval, Position};
use crate::targets::Target;
use crate::thread::Registers;

/// A frame of a signal's handler.
#[derive(Clone, Debug)]
pub struct SignalFrame {
    /// Where it begins: what the handler has for its return address, or its stack pointer (AArch64).
    pub at: Address,
    /// The thread's alternate stack (sigaltstack(2)), whether or not the handler runs on it.
    pub alternate: Option<Interval<Address>>,
    /// What the interrupted code had in its registers.
    pub registers: Registers,
}

/// How far above a stack pointer a frame is looked for.
const REACH: u64 = 1 << 20;
/// Bytes that are read for the frames of all threads at most.
pub(super) const BUDGET: u64 = 64 << 20;
/// Bytes of the longest part that is looked at.
const LONGEST: usize = 640;
/// Frames of handlers that interrupted handlers.
pub(super) const MOST_NESTED: usize = 16;

/// The next frame on the stack from `from` on, below `end`. At most `budget` bytes are read.
pub(super) fn next(
    target: &dyn Target,
    from: Address,
    end: Address,
    budget: &mut u64,
) -> Option<SignalFrame> {
    let shape = Shape::of(target.identity().machine)?;
    let end = end.min(Address::new(from.get().saturating_add(REACH.min(*budget))));
    let range = Interval::new(from, end)?;
    let mut bytes = vec![0; usize::try_from(range.length()).ok()?.saturating_add(LONGEST)];
    let count = target.read(from, &mut bytes).ok()?;
    bytes.truncate(count);
    *budget = budget.saturating_sub(count as u64);
    let mut at = shape.aligned(from)?;
    while at < end {
        let inside = usize::try_from(at.offset_from(from)?).ok()?;
        let rest = bytes.get(inside..)?;
        if let Some(frame) = shape.read(rest, at) {
            return Some(frame);
        }
        at = at.checked_add(16)?;
    }
    None
}

#[derive(Clone, Copy)]
enum Shape {
    X86_64,
    I386,
    Aarch64,
}

#[rustfmt::skip]
const X86_64: &[&str] = &[
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip",
];
#[rustfmt::skip]
const I386: &[&str] = &[
    "gs", "fs", "es", "ds", "edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax", "", "", "eip",
];
#[rustfmt::skip]
const AARCH64: &[&str] = &[
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18",
    "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp", "pc",
];

/// The bit of the flags register that is always set.
const FLAGS_RESERVED: u64 = 2;
/// The first record behind an AArch64 sigcontext: FPSIMD_MAGIC.
const FPSIMD: u64 = 0x4650_8001;

impl Shape {
    fn of(machine: Machine) -> Option<Self> {
        match (machine.number, machine.class.bits()) {
            (62, 64) => Some(Self::X86_64),
            (3, 32) => Some(Self::I386),
            (183, 64) => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// The first address from `from` on where a frame can begin.
    fn aligned(self, from: Address) -> Option<Address> {
        let behind = match self {
            Self::X86_64 => 8,
            Self::I386 => 12,
            Self::Aarch64 => 0,
        };
        let before = from.get().saturating_sub(behind).checked_next_multiple_of(16)?;
        before.checked_add(behind).map(Address::new)
    }

    fn read(self, bytes: &[u8], at: Address) -> Option<SignalFrame> {
        match self {
            Self::X86_64 => x86_64(bytes, at),
            Self::I386 => i386_real_time(bytes, at).or_else(|| i386(bytes, at)),
            Self::Aarch64 => aarch64(bytes, at),
        }
    }
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?).into())
}

fn stack(start: u64, size: u64) -> Option<Interval<Address>> {
    Interval::with_length(Address::new(start), size).filter(|stack| !stack.is_empty() && start > 0)
}

/// Whether `flags` can be a flags register of user code, and `code` a selector of user code.
fn is_context(flags: u64, code: u64, selectors: &[u64]) -> bool {
    flags & FLAGS_RESERVED != 0 && flags < 1 << 22 && selectors.contains(&(code & 0xffff))
}

fn values(
    bytes: &[u8],
    from: usize,
    count: usize,
    read: fn(&[u8], usize) -> Option<u64>,
    width: usize,
) -> Option<Vec<u64>> {
    (0..count).map(|index| read(bytes, index.checked_mul(width)?.checked_add(from)?)).collect()
}

/// The return address; then uc_flags, uc_link, uc_stack, and the registers 48 bytes behind the start.
fn x86_64(bytes: &[u8], at: Address) -> Option<SignalFrame> {
    let (flags, link) = (long(bytes, 8)?, long(bytes, 16)?);
    if flags >= 8 || link != 0 {
        return None;
    }
    let registers = values(bytes, 48, X86_64.len(), long, 8)?;
    let (status, selectors, fpu) = (long(bytes, 184)?, long(bytes, 192)?, long(bytes, 232)?);
    let near =
        fpu == 0 || fpu.checked_sub(at.get()).is_some_and(|distance| (200..1 << 16).contains(&distance));
    (near && long(bytes, 0)? != 0 && is_context(status, selectors, &[0x33])).then_some(())?;
    let registers = Registers::new(X86_64, registers, "rsp", "rip");
    Some(SignalFrame { at, alternate: stack(long(bytes, 24)?, long(bytes, 40)?), registers })
}

/// The return address, the number, pointers to siginfo and ucontext behind them.
fn i386_real_time(bytes: &[u8], at: Address) -> Option<SignalFrame> {
    const INFO: u64 = 16;
    const CONTEXT: u64 = INFO + 128;
    let (info, context) = (word(bytes, 8)?, word(bytes, 12)?);
    let own = Some(info) == at.get().checked_add(INFO) && Some(context) == at.get().checked_add(CONTEXT);
    own.then_some(())?;
    let registers = i386_registers(bytes, 164)?;
    Some(SignalFrame { at, alternate: stack(word(bytes, 152)?, word(bytes, 160)?), registers })
}

/// The return address, the number, the registers.
fn i386(bytes: &[u8], at: Address) -> Option<SignalFrame> {
    (1..=64).contains(&word(bytes, 4)?).then_some(())?;
    Some(SignalFrame { at, alternate: None, registers: i386_registers(bytes, 8)? })
}

fn i386_registers(bytes: &[u8], from: usize) -> Option<Registers> {
    let at = |index: usize| word(bytes, from.checked_add(index.checked_mul(4)?)?);
    let mut registers = values(bytes, from, I386.len(), word, 4)?;
    // gs, fs, es, ds have 16 bits and 16 of nothing; cs stands behind eip.
    let (pointer, at_signal, code, status) = (at(7)?, at(17)?, at(15)?, at(16)?);
    (pointer == at_signal && is_context(status, code, &[0x23, 0x73])).then_some(())?;
    for selector in registers.iter_mut().take(4) {
        *selector &= 0xffff;
    }
    Some(Registers::new(I386, registers, "esp", "eip"))
}

/// siginfo; then uc_flags, uc_link, uc_stack, the mask in 128 bytes, the fault's address, the registers, the first record.
fn aarch64(bytes: &[u8], at: Address) -> Option<SignalFrame> {
    const CONTEXT: usize = 128;
    const REGISTERS: usize = CONTEXT + 176 + 8;
    const RECORD: usize = CONTEXT + 464;
    let (flags, link) = (long(bytes, CONTEXT)?, long(bytes, CONTEXT + 8)?);
    let is_one = flags == 0 && link == 0 && word(bytes, RECORD)? == FPSIMD;
    is_one.then_some(())?;
    let registers = values(bytes, REGISTERS, AARCH64.len(), long, 8)?;
    let alternate = stack(long(bytes, CONTEXT + 16)?, long(bytes, CONTEXT + 32)?);
    Some(SignalFrame { at, alternate, registers: Registers::new(AARCH64, registers, "sp", "pc") })
}
