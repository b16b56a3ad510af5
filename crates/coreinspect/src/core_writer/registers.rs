//! NT_PRSTATUS of a thread that is stopped: elf_prstatus (Linux include/linux/elfcore.h), pr_reg as PTRACE_GETREGSET
//! gives it.

#[cfg(any(target_arch = "x86_64", all(target_env = "gnu", target_arch = "aarch64")))]
use nix::{sys::ptrace, unistd::Pid};

use super::elf::I386;
use super::{Process, WriteError};

/// The registers of one thread.
#[derive(Clone, Debug)]
pub(crate) struct Registers {
    thread: u32,
    /// pr_reg.
    bytes: Vec<u8>,
}

impl Registers {
    /// Those of `thread`, which this thread has stopped.
    #[cfg(all(target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn of(thread: u32, process: &Process<'_>) -> nix::Result<Self> {
        let words =
            words(ptrace::getregset::<ptrace::regset::NT_PRSTATUS>(Pid::from_raw(thread.cast_signed()))?);
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        if process.machine.number == I386 {
            // user_regs_struct32: 17 words of 4 bytes, which fill the start of the larger one.
            bytes.truncate(17 * 4);
        }
        Ok(Self { thread, bytes })
    }

    /// Those of `thread`, which this thread has stopped. With musl nix has PTRACE_GETREGS alone, which gives those of an i386
    /// process in the struct of x86-64.
    #[cfg(all(target_env = "musl", target_arch = "x86_64"))]
    pub(super) fn of(thread: u32, process: &Process<'_>) -> nix::Result<Self> {
        let registers = ptrace::getregs(Pid::from_raw(thread.cast_signed()))?;
        let bytes = match process.machine.number {
            I386 => words_of_i386(registers)
                .iter()
                .flat_map(|word| word.to_ne_bytes().into_iter().take(4))
                .collect(),
            _ => words(registers).iter().flat_map(|word| word.to_ne_bytes()).collect(),
        };
        Ok(Self { thread, bytes })
    }

    /// The descriptor of the note.
    pub(super) fn note(&self, process: &Process<'_>) -> Result<Vec<u8>, WriteError> {
        let stat = process.folder.stat().map_err(|error| process.unreadable("stat", error))?;
        let is_64_bit = process.machine.is_64_bit;
        // pr_info and pr_cursig: no signal was fatal. Then pr_sigpend and pr_sighold, which nobody here reads.
        let mut note = vec![0; if is_64_bit { 32 } else { 24 }];
        for number in [self.thread, stat.parent, stat.group, stat.session] {
            note.extend(number.to_ne_bytes());
        }
        // Four times, of two longs each.
        note.resize(if is_64_bit { 112 } else { 72 }, 0);
        note.extend(&self.bytes);
        // pr_fpvalid.
        note.extend([0; 4]);
        // The struct is as aligned as its registers, which x32 has in 8 bytes.
        let alignment = if process.machine.number == I386 { 4 } else { 8 };
        note.resize(note.len().next_multiple_of(alignment), 0);
        Ok(note)
    }
}

/// In the order of `struct user_regs_struct` (arch/x86/include/asm/user_64.h).
#[cfg(target_arch = "x86_64")]
fn words(registers: nix::libc::user_regs_struct) -> Vec<u64> {
    let nix::libc::user_regs_struct {
        r15,
        r14,
        r13,
        r12,
        rbp,
        rbx,
        r11,
        r10,
        r9,
        r8,
        rax,
        rcx,
        rdx,
        rsi,
        rdi,
        orig_rax,
        rip,
        cs,
        eflags,
        rsp,
        ss,
        fs_base,
        gs_base,
        ds,
        es,
        fs,
        gs,
    } = registers;
    vec![
        r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags,
        rsp, ss, fs_base, gs_base, ds, es, fs, gs,
    ]
}

/// In the order of `struct user_regs_struct32` (arch/x86/include/asm/user32.h).
#[cfg(all(target_env = "musl", target_arch = "x86_64"))]
fn words_of_i386(of: nix::libc::user_regs_struct) -> [u64; 17] {
    [
        of.rbx,
        of.rcx,
        of.rdx,
        of.rsi,
        of.rdi,
        of.rbp,
        of.rax,
        of.ds,
        of.es,
        of.fs,
        of.gs,
        of.orig_rax,
        of.rip,
        of.cs,
        of.eflags,
        of.rsp,
        of.ss,
    ]
}

/// In the order of `struct user_pt_regs` (arch/arm64/include/uapi/asm/ptrace.h).
#[cfg(all(target_env = "gnu", target_arch = "aarch64"))]
fn words(registers: nix::libc::user_regs_struct) -> Vec<u64> {
    let nix::libc::user_regs_struct { regs, sp, pc, pstate } = registers;
    regs.into_iter().chain([sp, pc, pstate]).collect()
}

#[cfg(not(any(target_arch = "x86_64", all(target_env = "gnu", target_arch = "aarch64"))))]
impl Registers {
    pub(super) fn of(_: u32, _: &Process<'_>) -> nix::Result<Self> {
        Err(nix::errno::Errno::ENOSYS)
    }
}
