//! ELF cores that are none of a Linux process: the owners of their notes, and EI_OSABI, tell.

use crate::source::Format;

/// What a note of an owner (without what stands behind an `@`) proves the file to be.
const OWNERS: &[(&[u8], Format)] = &[
    // FreeBSD, sys/kern/imgact_elf.c; NetBSD, sys/kern/core_elf32.c; OpenBSD, sys/kern/exec_elf.c; QNX, sys/elf_notes.h.
    (b"FreeBSD", Format::ForeignCore("FreeBSD")),
    (b"NetBSD-CORE", Format::ForeignCore("NetBSD")),
    (b"OpenBSD", Format::ForeignCore("OpenBSD")),
    (b"QNX", Format::ForeignCore("QNX")),
    // QEMU, target/*/arch_dump.c; VirtualBox, VMM/VMMR3/DBGFCoreWrite.cpp.
    (b"QEMU", Format::MachineMemory),
    (b"VBCORE", Format::MachineMemory),
    // Linux, kernel/crash_core.c: /proc/vmcore, and what is copied of it.
    (b"VMCOREINFO", Format::KernelDump),
];

/// EI_OSABI of systems that write it into their cores (elf(5)); Linux writes 0.
const SYSTEMS: &[(u8, &str)] = &[(2, "NetBSD"), (6, "Solaris or illumos"), (9, "FreeBSD"), (12, "OpenBSD")];

/// NT_PSINFO of owner CORE: Solaris and illumos (usr/src/uts/common/exec/elf/elf_notes.c). Linux has no such note.
const NT_PSINFO: u32 = 13;

/// What a note of `owner` and type `kind` proves the file to be; `None` for those of a Linux process.
pub(super) fn of_note(owner: &[u8], kind: u32) -> Option<Format> {
    // NetBSD and OpenBSD append the thread: `OpenBSD@4711`.
    let owner = owner.split(|byte| *byte == b'@').next().unwrap_or_default();
    match (owner, kind) {
        (b"CORE", NT_PSINFO) => Some(Format::ForeignCore("Solaris or illumos")),
        _ => OWNERS.iter().find(|(known, _)| *known == owner).map(|(_, format)| *format),
    }
}

/// What a core with this EI_OSABI is; `None` for what Linux processes leave.
pub(super) fn of_system(os_abi: u8) -> Option<Format> {
    SYSTEMS.iter().find(|(known, _)| *known == os_abi).map(|(_, system)| Format::ForeignCore(system))
}
