//! What the processor's ABI says of C's types: their bytes and alignment on Linux.
//!
//! From the System V ABI supplements of i386, x86-64, AArch64 and so on, and the macros of GCC's
//! `gcc/config/*/*.h` (BIGGEST_ALIGNMENT, LONG_DOUBLE_TYPE_SIZE, DEFAULT_SIGNED_CHAR, ADJUST_FIELD_ALIGN); held against
//! what gcc does by the tests.

use std::fmt::Write;

use crate::machine::{ByteOrder, Class, Machine};
use crate::types::FloatFormat;

const SPARC: u16 = 2;
const I386: u16 = 3;
const M68K: u16 = 4;
const MIPS: u16 = 8;
const PARISC: u16 = 15;
const SPARC32PLUS: u16 = 18;
const PPC: u16 = 20;
const PPC64: u16 = 21;
const S390: u16 = 22;
const ARM: u16 = 40;
const SH: u16 = 42;
const SPARCV9: u16 = 43;
const IA64: u16 = 50;
const X86_64: u16 = 62;
const AARCH64: u16 = 183;
const RISCV: u16 = 243;
const LOONGARCH: u16 = 258;
const ALPHA: u16 = 0x9026;

/// The ABI of a machine's Linux.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abi {
    pub(super) machine: Machine,
}

/// A floating-point type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FloatType {
    pub(super) bytes: u64,
    pub(super) alignment: u64,
    /// `None` if nothing here can read it.
    pub(super) format: Option<FloatFormat>,
}

impl Abi {
    /// Bytes of `long`, and of an address.
    pub(super) fn long(self) -> u64 {
        self.machine.class.long() as u64
    }

    fn is_64_bit(self) -> bool {
        self.machine.class == Class::Bits64
    }

    /// Whether there is `__int128`.
    pub(super) fn has_int128(self) -> bool {
        self.is_64_bit() || self.machine.number == X86_64
    }

    pub(super) fn is_big_endian(self) -> bool {
        self.machine.byte_order == ByteOrder::Big
    }

    /// Whether `char` has a sign.
    pub(super) fn char_is_signed(self) -> bool {
        !matches!(self.machine.number, PPC | PPC64 | S390 | ARM | AARCH64 | RISCV)
    }

    /// Whether `wchar_t` has a sign.
    pub(super) fn wide_char_is_signed(self) -> bool {
        !matches!(self.machine.number, ARM | AARCH64)
    }

    /// Alignment of a number of so many bytes.
    pub(super) fn natural(self, bytes: u64) -> u64 {
        bytes.min(match self.machine.number {
            M68K => 2,
            SH => 4,
            S390 => 8,
            SPARC | SPARC32PLUS | PARISC if !self.is_64_bit() => 8,
            _ => 16,
        })
    }

    /// The greatest alignment that any type has: that of a bare `__attribute__((aligned))`.
    pub(super) fn biggest(self) -> u64 {
        match self.machine.number {
            M68K => 2,
            SH => 4,
            S390 | ARM => 8,
            MIPS | SPARC | SPARC32PLUS | PARISC if !self.is_64_bit() => 8,
            _ => 16,
        }
    }

    /// i386 aligns what is aligned to 8 bytes elsewhere to 4, but in structs only.
    pub(super) fn halves_fields(self) -> bool {
        self.machine.number == I386
    }

    /// Whether a bit field without a name makes the struct as aligned as its type (AAPCS 8.1.8.3).
    pub(super) fn unnamed_bits_align(self) -> bool {
        matches!(self.machine.number, ARM | AARCH64)
    }

    /// Whether the type of a bit field says where it may lie (PCC_BITFIELD_TYPE_MATTERS); m68k packs bits alone.
    pub(super) fn bits_lie_by_type(self) -> bool {
        self.machine.number != M68K
    }

    /// Bytes to which `: 0` leads where bit fields do not lie by their type (EMPTY_FIELD_BOUNDARY of m68k).
    pub(super) fn empty_field_boundary(self) -> u64 {
        2
    }

    /// Alignment of an `_Atomic` type of so many bytes, where the processor has such accesses.
    pub(super) fn atomic(self, bytes: u64) -> u64 {
        if matches!(self.machine.number, M68K | SH) { self.natural(bytes) } else { bytes }
    }

    /// Whether bit fields that fill a unit stay bit fields (-fstrict-volatile-bitfields, the default of ARM alone).
    pub(super) fn keeps_bit_fields(self) -> bool {
        self.machine.number == ARM
    }

    pub(super) fn float(self) -> FloatType {
        FloatType { bytes: 4, alignment: self.natural(4), format: Some(FloatFormat::Single) }
    }

    pub(super) fn double(self) -> FloatType {
        FloatType { bytes: 8, alignment: self.natural(8), format: Some(FloatFormat::Double) }
    }

    pub(super) fn quadruple(self) -> FloatType {
        FloatType { bytes: 16, alignment: self.natural(16), format: Some(FloatFormat::Quadruple) }
    }

    pub(super) fn long_double(self) -> FloatType {
        let extended = |bytes: u8, alignment| FloatType {
            bytes: bytes.into(),
            alignment,
            format: Some(FloatFormat::Extended(bytes)),
        };
        match (self.machine.number, self.machine.class) {
            (I386, _) => extended(12, 4),
            (X86_64 | IA64, _) => extended(16, 16),
            (M68K, _) => FloatType { bytes: 12, alignment: 2, format: None },
            (PPC | PPC64, _) => {
                FloatType { bytes: 16, alignment: 16, format: Some(FloatFormat::DoubleDouble) }
            }
            (AARCH64 | RISCV | S390 | SPARC | SPARC32PLUS | SPARCV9 | ALPHA | LOONGARCH, _)
            | (MIPS, Class::Bits64) => self.quadruple(),
            _ => self.double(),
        }
    }

    /// Bytes and alignment of `time_t` where it is not `long`'s: x32 and 32-bit RISC-V were born with 64 bits.
    fn time_bytes(self) -> u64 {
        match (self.machine.number, self.machine.class) {
            (X86_64 | RISCV | LOONGARCH, Class::Bits32) => 8,
            _ => self.long(),
        }
    }

    /// What a compiler for this machine defines before it reads the first line.
    pub(super) fn predefined(self) -> String {
        let names: &[&str] = match (self.machine.number, self.machine.class) {
            (I386, _) => &["__i386__", "__i386", "i386", "__i686__"],
            (X86_64, Class::Bits64) => &["__x86_64__", "__x86_64", "__amd64__", "__amd64"],
            (X86_64, Class::Bits32) => {
                &["__x86_64__", "__x86_64", "__amd64__", "__amd64", "__ILP32__", "_ILP32"]
            }
            (AARCH64, _) => &["__aarch64__"],
            (ARM, _) => &["__arm__", "__ARM_EABI__"],
            (RISCV, _) => &["__riscv"],
            (S390, Class::Bits64) => &["__s390x__", "__s390__"],
            (S390, Class::Bits32) => &["__s390__"],
            (PPC64, _) => &["__powerpc64__", "__powerpc__", "__PPC64__", "__PPC__"],
            (PPC, _) => &["__powerpc__", "__PPC__"],
            (MIPS, _) => &["__mips__", "__mips"],
            (SPARC | SPARC32PLUS | SPARCV9, _) => &["__sparc__"],
            (ALPHA, _) => &["__alpha__"],
            (IA64, _) => &["__ia64__"],
            (M68K, _) => &["__m68k__"],
            (PARISC, _) => &["__hppa__"],
            (SH, _) => &["__sh__"],
            (LOONGARCH, _) => &["__loongarch__"],
            _ => &[],
        };
        let mut text = String::new();
        for name in names {
            let _ = writeln!(text, "#define {name} 1");
        }
        if self.is_64_bit() {
            text.push_str("#define __LP64__ 1\n#define _LP64 1\n");
        }
        if self.has_int128() {
            text.push_str("#define __SIZEOF_INT128__ 16\n");
        }
        if !self.char_is_signed() {
            text.push_str("#define __CHAR_UNSIGNED__ 1\n");
        }
        if !self.wide_char_is_signed() {
            text.push_str("#define __WCHAR_UNSIGNED__ 1\n");
        }
        let order = if self.is_big_endian() { "BIG" } else { "LITTLE" };
        let (long, time) = (self.long(), self.time_bytes());
        let long_double = self.long_double().bytes;
        let mutex = self.mutex_bytes();
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "#define __SIZEOF_LONG__ {long}\n#define __SIZEOF_POINTER__ {long}\n#define __SIZEOF_SIZE_T__ {long}\n\
             #define __SIZEOF_LONG_DOUBLE__ {long_double}\n#define __SIZEOF_TIME__ {time}\n\
             #define __SIZEOF_MUTEX__ {mutex}\n#define __WORDSIZE {}\n\
             #define __BYTE_ORDER__ __ORDER_{order}_ENDIAN__\n#define __BYTE_ORDER __BYTE_ORDER__",
            long.saturating_mul(8)
        );
        text
    }

    /// sizeof(pthread_mutex_t) of glibc (sysdeps/*/nptl/bits/pthreadtypes-arch.h).
    fn mutex_bytes(self) -> u64 {
        match (self.machine.number, self.machine.class) {
            (AARCH64, Class::Bits64) | (PARISC, _) => 48,
            (X86_64, Class::Bits32) => 32,
            (_, Class::Bits64) => 40,
            (_, Class::Bits32) => 24,
        }
    }
}
