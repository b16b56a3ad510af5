//! Which program wrote a dump, by the shapes that each is known to write, and what is said where it hides the names.

use coreinspect::report::Dump;
use coreinspect::writer::Writer;

use crate::core_builder::presets::{self, AARCH64, ARM, I386, MIPS, S390X, X86_64};
use crate::core_builder::{CoreBuilder, Section, TablePlace};
use crate::pipeline;

fn inspect(core: &CoreBuilder) -> Dump {
    pipeline::report_of(core.build().bytes)
}

fn writer(core: &CoreBuilder) -> Option<String> {
    inspect(core).writer.map(|writer| writer.to_string())
}

#[test]
fn every_shape_has_its_writer() {
    let shapes = [
        ("kernel", presets::kernel(X86_64)),
        ("kernel", presets::kernel(S390X)),
        ("kernel", presets::kernel_sorted(X86_64)),
        ("kernel", presets::extended_numbering(MIPS)),
        ("kernel", presets::kernel_3_6(X86_64)),
        ("gcore", presets::gcore(X86_64)),
        ("gcore", presets::gcore_8(X86_64)),
        ("gcore", presets::gcore_8(S390X)),
        ("gcore", presets::gcore(I386)),
        ("createdump", presets::createdump_31(X86_64)),
        ("createdump", presets::createdump_8_full(AARCH64)),
        ("createdump", presets::createdump_9_full(X86_64)),
        ("minicoredumper", presets::minicoredumper(ARM)),
        ("qemu-user", presets::qemu_user(MIPS)),
        ("qemu-user", presets::qemu_user_8(AARCH64)),
        ("delve", presets::delve(X86_64)),
        ("criu", presets::criu(X86_64)),
        ("google-coredumper", presets::google_coredumper(X86_64)),
        ("valgrind", presets::valgrind(I386)),
        ("drgn", presets::drgn(X86_64)),
        ("kernel", presets::kernel_3_6_without_floats(X86_64)),
        ("createdump", presets::createdump_2_full(X86_64)),
        ("crash", presets::crash(X86_64)),
        ("elfcore", presets::elfcore(X86_64)),
    ];
    for (expected, core) in shapes {
        assert_eq!(writer(&core).as_deref(), Some(expected), "{}", core.abi.name);
    }
}

/// The end of a gcore core is its notes: cut off, the rest is still gcore's, and the pid is lost with them.
#[test]
fn a_gcore_core_without_its_notes_is_gcores() {
    let mut core = presets::gcore(X86_64).build();
    let notes = core.notes.iter().map(|note| note.header).min().unwrap();
    core.bytes.truncate(notes);
    let dump = pipeline::report_of(core.bytes);
    assert_eq!((dump.writer, dump.process.pid), (Some(Writer::Gcore), None));
}

/// What one writer is known by, taken away or put where none puts it, leaves no name to guess.
#[test]
fn a_shape_of_nobody_has_no_writer() {
    let kernel = presets::kernel(X86_64);
    let with_sections =
        CoreBuilder { sections: vec![Section { name: "note0", kind: 7, content: vec![] }], ..kernel.clone() };
    let table_last = CoreBuilder { table: TablePlace::End, ..kernel.clone() };
    let mut unaligned = kernel.clone();
    unaligned.segments.iter_mut().for_each(|segment| segment.align = 1);
    let mut notes_behind_a_load = kernel;
    notes_behind_a_load.segments.swap(0, 1);
    let converted = presets::minidump_2_core(X86_64);
    let shapes = [with_sections, table_last, unaligned, notes_behind_a_load, converted];
    for (number, core) in shapes.iter().enumerate() {
        assert_eq!(writer(core), None, "shape {number}");
    }
}

/// Whoever leaves the names out is told so, with what to do; the reader must not believe that there was no segment.
#[test]
fn a_writer_that_hides_the_names_is_told() {
    let hiding = [
        (presets::qemu_user(MIPS), "the kernel's own core of the emulator"),
        (presets::delve(X86_64), "Delve"),
        (presets::valgrind(X86_64), "valgrind"),
        (presets::google_coredumper(X86_64), "google-coredumper"),
        (presets::criu(X86_64), "zeroes"),
        (presets::elfcore(X86_64), "elfcore"),
        (presets::drgn(X86_64), "[tmpfs]"),
        (presets::createdump_9_full(X86_64), ".NET 9"),
    ];
    for (core, words) in hiding {
        let dump = inspect(&core);
        let line = dump.nothing_certain().unwrap();
        let named = dump.segments.iter().any(|segment| segment.key.is_some());
        assert!(!named && line.contains(words), "{line}");
    }
}

/// minidump-2-core names the process in NT_PRSTATUS alone, and puts 0xffff where a signal would be.
#[test]
fn what_was_a_minidump_has_no_signal() {
    let dump = inspect(&presets::minidump_2_core(X86_64));
    let process = (dump.process.pid, dump.process.signal.is_none());
    assert_eq!(process, (Some(presets::PID as u32), true));
    let keys: Vec<_> = dump.segments.iter().map(|segment| segment.key.clone()).collect();
    let kernel = inspect(&presets::kernel(X86_64));
    assert_eq!(keys, kernel.segments.iter().map(|segment| segment.key.clone()).collect::<Vec<_>>());
}

/// The crate elfcore writes SIGINT into the dump of every process.
#[test]
fn a_signal_that_every_dump_has_killed_nobody() {
    let dump = inspect(&presets::elfcore(X86_64));
    assert!(dump.process.signal.is_none() && dump.fault.is_none());
    assert!(dump.segments.iter().all(|segment| segment.saved == segment.mapped));
}

/// A bare `/SYSV` is a segment where the writer never says ` (deleted)`, and a file where the kernel wrote.
#[test]
fn crash_names_segments_without_deleted() {
    let crash = inspect(&presets::crash(X86_64));
    let kernel = inspect(&presets::kernel(X86_64));
    let keys = |dump: &Dump| dump.segments.iter().map(|segment| segment.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&crash), keys(&kernel));
    let mut bare = presets::kernel(X86_64).build();
    let names = bare.note(0x4649_4c45).desc;
    let text = &mut bare.bytes[names];
    while let Some(at) = text.windows(10).position(|part| part == b" (deleted)") {
        text[at] = b'.';
    }
    assert!(pipeline::report_of(bare.bytes).segments.is_empty());
}

/// Which pages a process has touched decides what drgn gets out of a dump of the kernel.
#[test]
fn what_drgn_could_not_read_is_no_other_kind_of_memory() {
    let mut core = presets::drgn(X86_64);
    let writable = core.segments.iter_mut().find(|load| load.vaddr == 0x1000_0000).unwrap();
    writable.content = crate::core_builder::Content::Nothing;
    let dump = inspect(&core);
    let told: Vec<_> = dump
        .segments
        .iter()
        .map(|segment| (segment.attachments[0].start.0, segment.mapped, segment.key.is_none()))
        .collect();
    for place in [(0x1000_0000, 0x2000, true), (0x2000_0000, 0x3000, true), (0x3000_0000, 0x1000, true)] {
        assert!(told.contains(&place), "{told:x?}");
    }
    let lost = dump.segments.iter().find(|segment| segment.attachments[0].start.0 == 0x1000_0000).unwrap();
    assert!(lost.found_reasons.iter().any(|reason| reason.contains("memfd")), "{:?}", lost.found_reasons);
    assert!(lost.causes[0].evidence.contains("not touched by this process"), "{:?}", lost.causes);
    assert!(lost.causes[0].fix.contains("another process that attaches it"), "{:?}", lost.causes);
}
