//! NT_PRSTATUS, NT_PRPSINFO, NT_SIGINFO and NT_AUXV: who the process was and what ended it.
//!
//! Shapes: Linux include/linux/elfcore.h `elf_prstatus`, `elf_prpsinfo`; include/uapi/asm-generic/siginfo.h;
//! getauxval(3). They differ by the size of a `long` and by where one may stand, and elf_prpsinfo by the size of a uid.

use super::reader::Reader;
use super::registers;
use crate::machine::{Class, Machine, SignalNumbering};
use crate::position::Address;
use crate::process::Signal;
use crate::thread::Registers;

/// A thread, as its NT_PRSTATUS has it.
#[derive(Clone, Debug)]
pub struct ThreadStatus {
    /// pr_pid, which is a thread's id.
    pub id: u32,
    /// pr_cursig: the signal that was being delivered.
    pub signal: Option<Signal>,
    /// pr_reg; `None` on a machine whose registers are not known here.
    pub registers: Option<Registers>,
    /// Where its thread-local memory is: fs_base on x86-64, tpidr_el0 on AArch64 (NT_ARM_TLS), the base of what gs selects on i386
    /// (NT_386_TLS).
    pub thread_pointer: Option<Address>,
}

/// The segment descriptors of NT_386_TLS (asm/ldt.h `struct user_desc`): entry_number, base_addr, limit, flags.
const DESCRIPTOR: usize = 16;
/// The highest number of a signal on any machine: _NSIG of MIPS (arch/mips/include/uapi/asm/signal.h).
const LAST_SIGNAL: u32 = 128;

impl ThreadStatus {
    /// Reads the whole structure, as far as it is of use.
    pub fn read(mut note: Reader<'_>, machine: Machine) -> Option<Self> {
        let registers = registers::read(note.clone(), machine);
        // struct elf_siginfo: three ints.
        note.skip(12)?;
        let signal = note.u16()?;
        // What aligns pr_sigpend, at 14.
        note.skip(14_usize.checked_next_multiple_of(machine.long_alignment())?.checked_sub(14)?)?;
        // pr_sigpend, pr_sighold.
        note.long()?;
        note.long()?;
        let thread_pointer = registers.as_ref().and_then(|registers| registers.get("fs_base"));
        let thread_pointer = thread_pointer.filter(|base| *base != 0).map(Address::new);
        // minidump-2-core writes 0xffff.
        let signal = Some(u32::from(signal)).filter(|number| *number <= LAST_SIGNAL).and_then(Signal::new);
        Some(Self { id: note.u32()?, signal, registers, thread_pointer })
    }

    /// Takes the thread pointer from NT_ARM_TLS.
    pub(super) fn add_arm_tls(&mut self, mut note: Reader<'_>) {
        self.thread_pointer = note.u64().filter(|pointer| *pointer != 0).map(Address::new);
    }

    /// Takes the thread pointer from NT_386_TLS, by the selector in gs: its upper 13 bits are the number of a descriptor.
    pub(super) fn add_i386_tls(&mut self, mut note: Reader<'_>) {
        let Some(selector) = self.registers.as_ref().and_then(|registers| registers.get("gs")) else {
            return;
        };
        while note.rest().len() >= DESCRIPTOR {
            let (Some(number), Some(base), Some(_limit), Some(_flags)) =
                (note.u32(), note.u32(), note.u32(), note.u32())
            else {
                return;
            };
            if u64::from(number) == (selector & 0xffff) >> 3 && base != 0 {
                self.thread_pointer = Some(Address::new(base.into()));
            }
        }
    }
}

/// The process, as NT_PRPSINFO has it.
#[derive(Clone, Debug)]
pub struct ProcessInfo {
    /// pr_pid.
    pub pid: u32,
    /// pr_uid; `None` where 16 bits did not hold it.
    pub uid: Option<u32>,
    /// Whether pr_uid has 16 bits.
    pub small_uid: bool,
    /// pr_fname, without what follows its NUL.
    pub command: Vec<u8>,
    /// pr_psargs, without what follows its NUL and the space that the kernel puts for the last argument's end.
    pub arguments: Vec<u8>,
}

/// What the kernel writes for a uid beyond 16 bits (include/linux/highuid.h, DEFAULT_OVERFLOWUID).
const OVERFLOW_UID: u32 = 65534;
/// Bytes of elf_prpsinfo with 32-bit longs and 16-bit uids (i386, arm, sh, m68k, s390, x32).
const SMALL_UID_SIZE: usize = 124;

impl ProcessInfo {
    /// Reads the whole structure; which one it is, its size says.
    pub fn read(mut note: Reader<'_>, class: Class) -> Option<Self> {
        let small_uid = class == Class::Bits32 && note.rest().len() == SMALL_UID_SIZE;
        // pr_state, pr_sname, pr_zomb, pr_nice, and on 64 bit what aligns pr_flag.
        note.skip(class.long())?;
        note.long()?;
        let uid = if small_uid { note.u16().map(u32::from) } else { note.u32() }?;
        note.skip(if small_uid { 2 } else { 4 })?;
        let pid = note.u32()?;
        // pr_ppid, pr_pgrp, pr_sid.
        note.skip(12)?;
        let until_nul = |bytes: &[u8]| bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        let command = until_nul(note.take(16)?);
        let mut arguments = until_nul(note.take(80)?);
        if arguments.last() == Some(&b' ') {
            arguments.pop();
        }
        let uid = Some(uid).filter(|uid| !small_uid || *uid != OVERFLOW_UID);
        Some(Self { pid, uid, small_uid, command, arguments })
    }
}

/// A signal's facts, as NT_SIGINFO has them.
#[derive(Clone, Copy, Debug)]
pub struct SignalInfo {
    /// si_signo.
    pub signal: Option<Signal>,
    /// si_code: above 0 the kernel raised it.
    pub code: i32,
    /// si_addr, which means something for some signals only: see [`SignalInfo::fault_address`].
    address: Address,
}

/// si_code of a signal that the kernel raised without saying more; si_addr is then not set (sigaction(2)).
const SI_KERNEL: i32 = 0x80;

impl SignalInfo {
    /// Reads the fields that all signals have, and si_addr.
    pub fn read(mut note: Reader<'_>, machine: Machine) -> Option<Self> {
        let number = note.u32()?;
        let (second, third) = (note.u32()?, note.u32()?);
        let code = if machine.swaps_siginfo() { second } else { third };
        if machine.class == Class::Bits64 {
            note.skip(4)?;
        }
        let address = Address::new(note.long()?);
        Some(Self { signal: Signal::new(number), code: code.cast_signed(), address })
    }

    /// The address whose access raised the signal; `None` for signals that have none.
    pub fn fault_address(self, numbering: SignalNumbering) -> Option<Address> {
        let has_address = self.signal.is_some_and(|signal| {
            [Signal::SEGV, Signal::ILL, Signal::FPE].contains(&signal) || signal.number() == numbering.bus()
        });
        (has_address && self.code > 0 && self.code != SI_KERNEL).then_some(self.address)
    }
}

/// What NT_AUXV says that is of use here.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuxiliaryVector {
    /// AT_PAGESZ: bytes of a page.
    pub page_size: Option<u64>,
    /// AT_PHDR: the program headers of the program, in its memory.
    pub program_headers: Option<Address>,
    /// AT_ENTRY: where the program begins.
    pub entry: Option<Address>,
    /// AT_RANDOM: 16 bytes on the stack that the program began on; without it AT_EXECFN, its path there.
    pub stack: Option<Address>,
    /// AT_SYSINFO_EHDR: the vDSO.
    pub vdso: Option<Address>,
    /// Whether AT_HWCAP stands before AT_PHDR, as the kernel puts it (fs/binfmt_elf.c `create_elf_tables`).
    pub hardware_first: bool,
}

impl AuxiliaryVector {
    /// Reads pairs of longs up to AT_NULL or the end.
    pub fn read(mut note: Reader<'_>) -> Self {
        let mut this = Self::default();
        while let (Some(kind), Some(value)) = (note.long(), note.long()) {
            match kind {
                0 => break,
                3 => this.program_headers = Some(Address::new(value)),
                16 => this.hardware_first |= this.program_headers.is_none(),
                6 => this.page_size = (value.is_power_of_two() && value > 1).then_some(value),
                9 => this.entry = Some(Address::new(value)),
                25 => this.stack = Some(Address::new(value)),
                31 => this.stack = this.stack.or(Some(Address::new(value))),
                33 => this.vdso = Some(Address::new(value)),
                _ => {}
            }
        }
        this
    }
}
