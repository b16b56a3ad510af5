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
    for (number, core) in [with_sections, table_last, unaligned, notes_behind_a_load].iter().enumerate() {
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
        (presets::createdump_9_full(X86_64), ".NET 9"),
    ];
    for (core, words) in hiding {
        let dump = inspect(&core);
        let line = dump.nothing_certain().unwrap();
        let named = dump.segments.iter().any(|segment| segment.key.is_some());
        assert!(!named && line.contains(words), "{line}");
    }
}
