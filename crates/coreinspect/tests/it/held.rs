//! What a core says of itself, held against the file: counts, units, and where it ends.

use coreinspect::report::Dump;

use crate::core_builder::presets::{self, I386, S390X, X86_64};
use crate::core_builder::{Content, Core, CoreBuilder, Segment};
use crate::pipeline::report_of;

const NT_FILE: u32 = 0x4649_4c45;

fn warned(dump: &Dump, code: &str) -> Vec<String> {
    let warnings = dump.warnings.iter().filter(|warning| warning.code == code);
    warnings.map(|warning| warning.message.clone()).collect()
}

/// Key, base and mapped bytes of each segment.
fn places(dump: &Dump) -> Vec<(Option<String>, Option<u64>, u64)> {
    let places = dump.segments.iter().map(|segment| {
        let base = segment.attachments[0].base.map(|base| base.0);
        (segment.key.clone(), base, segment.mapped)
    });
    places.collect()
}

/// The two private mappings of the test process are offset 0 and 0x10000 of one attach: in the wrong unit they are two.
#[test]
fn offsets_in_another_unit_than_the_note_says() {
    for abi in [X86_64, I386, S390X] {
        let right = report_of(presets::kernel(abi).build().bytes);
        let converted = report_of(presets::minidump_2_core(abi).build().bytes);
        assert_eq!(places(&converted), places(&right), "{}", abi.name);
        assert_eq!(warned(&converted, "nt-file-unit").len(), 1, "{:?}", converted.warnings);
        assert!(warned(&right, "nt-file-unit").is_empty());
        // Pages, where the note says bytes.
        let mut pages = presets::kernel(abi).build();
        let unit = pages.note(NT_FILE).desc.start + abi.long_bytes();
        pages.set_long(unit, 1);
        let pages = report_of(pages.bytes);
        assert_eq!(places(&pages), places(&right), "{}", abi.name);
        assert_eq!(warned(&pages, "nt-file-unit").len(), 1, "{:?}", pages.warnings);
    }
    let createdump = report_of(presets::createdump_2_full(X86_64).build().bytes);
    assert_eq!(places(&createdump), places(&report_of(presets::kernel(X86_64).build().bytes)));
}

/// Text that is taken for rows would give each mapping a later name: the program's libraries the keys of segments.
#[test]
fn a_count_of_rows_that_is_too_large() {
    for abi in [X86_64, I386, S390X] {
        let right = report_of(presets::kernel(abi).build().bytes);
        let rows = presets::rows(&abi, abi.page_size).len() as u64;
        for more in 1..4 {
            let mut core = presets::kernel(abi).build();
            let count = core.note(NT_FILE).desc.start;
            core.set_long(count, rows + more);
            let dump = report_of(core.bytes);
            assert_eq!(places(&dump), places(&right), "{} and {more} more rows", abi.name);
            assert_eq!(warned(&dump, "nt-file").len(), 1, "{:?}", dump.warnings);
        }
    }
}

#[test]
fn the_second_table_of_names_is_told_and_not_used() {
    let mut core = presets::kernel(X86_64);
    let mut rows = presets::rows(&X86_64, 4096);
    rows.iter_mut().for_each(|row| row.name = presets::segment_name(0x7bee_0009));
    let second = crate::core_builder::notes::file(&X86_64, 4096, &rows);
    core.segments.insert(1, Segment::notes(vec![second]));
    let dump = report_of(core.build().bytes);
    assert_eq!(places(&dump), places(&report_of(presets::kernel(X86_64).build().bytes)));
    assert!(warned(&dump, "notes")[0].contains("second NT_FILE"), "{:?}", dump.warnings);
}

/// A kernel core whose program has lines of text.
fn with_lines() -> CoreBuilder {
    let mut core = presets::kernel(X86_64);
    core.segments[1].content = Content::Bytes(b"\x7fELF\na\nb\nc\n".repeat(8));
    core
}

#[test]
fn a_core_that_was_copied_as_text() {
    let whole = with_lines().build().bytes;
    assert!(warned(&report_of(whole.clone()), "excess").is_empty());
    let text: Vec<u8> =
        whole.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect();
    assert_eq!(text.len() - whole.len(), 32);
    let told = warned(&report_of(text), "excess");
    assert!(told.len() == 1 && told[0].contains("32 more") && told[0].contains("as text"), "{told:?}");
}

#[test]
fn bytes_behind_the_last_that_a_header_names() {
    for core in [presets::kernel(S390X), presets::gcore(X86_64), presets::createdump_31(X86_64)] {
        let mut bytes = core.build().bytes;
        assert!(warned(&report_of(bytes.clone()), "excess").is_empty());
        bytes.extend(b"appended");
        let told = warned(&report_of(bytes), "excess");
        assert!(told.len() == 1 && told[0].contains("8 more") && !told[0].contains("as text"), "{told:?}");
    }
}

/// gdb writes its headers of sections last.
#[test]
fn headers_of_sections_that_are_cut_off() {
    let Core { bytes, shoff, .. } = presets::gcore(X86_64).build();
    assert_eq!(report_of(bytes.clone()).complete, Some(true));
    for length in [shoff, shoff + 1, bytes.len() - 1] {
        let dump = report_of(bytes[..length].to_vec());
        assert_eq!(dump.complete, Some(false), "{length}");
        assert_eq!(warned(&dump, "truncated").len(), 1, "{:?}", dump.warnings);
    }
}
