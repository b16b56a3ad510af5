//! Bits of a pointer that are no part of the address.
//!
//! - AArch64 ignores the top byte of a data address (TBI). Linux has it on for every process; whether NT_ARM_TAGGED_ADDR_CTRL
//!   (PR_SET_TAGGED_ADDR_CTRL) lets system calls take such pointers too changes nothing of that
//!   (Documentation/arch/arm64/tagged-address-abi.rst). HWASan, MTE and Android's malloc put tags there.
//! - AArch64 signs pointers (PAC) in the bits that NT_ARM_PAC_MASK names: arch/arm64/kernel/ptrace.c `struct user_pac_mask`.
//! - x86 with LAM ignores the bits that `untag_mask` in /proc/PID/status leaves out (Documentation/arch/x86/x86_64/lam.rst: 57 to 62).
//!   No note of a core has it.
//! - RISC-V ignores as many upper bits as PMLEN in NT_RISCV_TAGGED_ADDR_CTRL says (Documentation/arch/riscv/uabi.rst).

use crate::machine::{Class, Machine};
use crate::position::Address;

/// Which bits of a target's pointers are no part of the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PointerTags(u64);

const EM_X86_64: u16 = 62;
const EM_AARCH64: u16 = 183;
const EM_RISCV: u16 = 243;

/// What AArch64 ignores.
const TOP_BYTE: u64 = 0xff << 56;
/// Bits in which AArch64 can sign a pointer: 55 says whose address it is, and 36 bits are the smallest address space.
const SIGNABLE: u64 = (1 << 55) - (1 << 36);
/// What x86 can ignore: 57 to 62 with LAM_U57, 48 to 62 with LAM_U48; 63 says whose address it is.
const MASKABLE: u64 = (1 << 63) - (1 << 48);
/// PMLEN of PR_SET_TAGGED_ADDR_CTRL (include/uapi/linux/prctl.h).
const PMLEN_SHIFT: u32 = 24;
/// The most upper bits that RISC-V's pointer masking ignores (Smnpm, Ssnpm).
const MOST_PMLEN: u64 = 16;

impl PointerTags {
    /// What every process on `machine` can have there.
    pub fn of(machine: Machine) -> Self {
        match (machine.number, machine.class) {
            (EM_AARCH64, Class::Bits64) => Self(TOP_BYTE),
            _ => Self::default(),
        }
    }

    /// With the `data_mask` of NT_ARM_PAC_MASK.
    pub(crate) fn signed(self, data_mask: u64) -> Self {
        Self(self.0 | data_mask & SIGNABLE)
    }

    /// With the value of NT_RISCV_TAGGED_ADDR_CTRL.
    pub(crate) fn riscv(self, control: u64) -> Self {
        let length = (control >> PMLEN_SHIFT & 0x7f).min(MOST_PMLEN);
        let below = u32::try_from(64_u64.saturating_sub(length)).unwrap_or(64);
        Self(self.0 | u64::MAX.checked_shl(below).unwrap_or(0))
    }

    /// With the `untag_mask` of a process on `machine`, which has the bits of the address.
    pub(crate) fn unmasked(self, machine: Machine, untag_mask: u64) -> Self {
        match machine.number {
            EM_X86_64 => Self(self.0 | !untag_mask & MASKABLE),
            EM_AARCH64 => Self(self.0 | !untag_mask & TOP_BYTE),
            EM_RISCV => Self(self.0 | !untag_mask & (u64::MAX << 48)),
            _ => self,
        }
    }

    /// The bits; 0 where a pointer is an address.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The address that `word` leads to, and its tag: the bits that are no part of it, where they stand. 0 is no tag.
    pub fn apart(self, word: u64) -> (Address, u64) {
        (Address::new(word & !self.0), word & self.0)
    }
}
