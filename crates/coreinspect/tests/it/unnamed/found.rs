//! What is found.

use std::collections::BTreeSet;

use super::subject::Subject;
use super::{candidates, hex, take_names};
use crate::program::{Run, coreinspect};
use crate::testdata::{Core, names_in};

/// gcore has no name for the segment with shmid 0. It is there with the flag; without it a line says that it may be.
#[test]
fn the_first_segment_of_a_namespace_in_a_dump_by_gcore() {
    let Some(subject) = Subject::attach(&["20000:w:n", "5000:w:t"]) else { return };
    let Some(core) = subject.gcore() else { return };
    let plain = Run::of(coreinspect().arg("--json").arg(&core)).ended(0).document();
    let named = plain["dumps"][0]["segments"].as_array().unwrap();
    assert_eq!(named.iter().map(|segment| &segment["found_by"]).collect::<Vec<_>>(), ["name"]);
    assert_eq!(candidates(&core, &["--find-unnamed"]), [subject.attached[0]]);

    let shown = Run::of(coreinspect().args(["show", "--find-unnamed"]).arg(&core).arg("#2")).ended(0);
    assert!(shown.text().contains("without proof"), "{shown:?}");
    let bytes = Run::of(
        coreinspect().args(["extract", "--find-unnamed", "-o", "-"]).arg(&core).args(["#2", "--at", "24"]),
    );
    // The fourth number, as attach.c writes it.
    assert_eq!(bytes.ended(0).out[..8], (3_u64 * 7 + 1).to_le_bytes());
}

/// Only candidates: the status says that nothing is certain, and a line says why.
#[test]
fn a_candidate_alone_is_status_1() {
    let Some(subject) = Subject::attach(&["20000:w:n"]) else { return };
    let Some(core) = subject.gcore() else { return };
    let without = Run::of(coreinspect().arg(&core)).ended(1);
    assert!(without.err.contains("--find-unnamed looks for it"), "{without:?}");
    let with = Run::of(coreinspect().arg("--find-unnamed").arg(&core)).ended(1);
    assert!(with.text().contains("found by content") && with.err.contains("without proof"), "{with:?}");
    let expected = Run::of(coreinspect().args(["--find-unnamed", "--expect", "key=0x1"]).arg(&core));
    assert_eq!(expected.status, 1);
}

/// A kernel's core whose NT_FILE was dropped for its size: every attach is found, nobody has to ask.
#[test]
fn every_attach_in_a_core_of_the_kernel_without_names() {
    let arguments =
        ["5000:w:t", "20000:r:t", "40000:w:n", "4096:w:n", "1000000:w:t", "8192:r:z", "65536:w:z"];
    let Some(mut subject) = Subject::attach(&arguments) else { return };
    let Some(core) = subject.abort() else { return };
    assert!(candidates(&core, &["--find-unnamed"]).is_empty(), "the kernel names all");
    take_names(&core);
    let found: BTreeSet<_> = candidates(&core, &[]).into_iter().collect();
    assert_eq!(found, subject.attached.iter().copied().collect());
}

/// Cores of other machines' kernels, whose names are taken away.
#[test]
fn every_attach_in_cores_of_other_machines_without_names() {
    for name in names_in("foreign/").into_iter().filter(|name| name.contains("/kernel-")) {
        let core = Core::unpack(&name);
        take_names(&core.path());
        let found: BTreeSet<_> = candidates(&core.path(), &[]).into_iter().collect();
        assert_eq!(found, attached(&core), "{name}");
    }
}

/// qemu-user writes no names, and joins what lies side by side: two private segments may be one candidate.
#[test]
fn every_attach_in_dumps_by_qemu_user() {
    let (mut attaches, mut apart) = (0, 0);
    for name in names_in("foreign/").into_iter().filter(|name| name.contains("/qemu-user-")) {
        let core = Core::unpack(&name);
        let found = candidates(&core.path(), &[]);
        let attached = attached(&core);
        let within = |(start, size): (u64, u64), (other, bytes): (u64, u64)| {
            start >= other && start + size <= other + bytes
        };
        for attach in &attached {
            assert!(found.iter().any(|one| within(*attach, *one)), "{name}: {attach:x?} in {found:x?}");
        }
        for one in &found {
            assert!(attached.iter().any(|attach| within(*attach, *one)), "{name}: {one:x?} is none");
        }
        attaches += attached.len();
        apart += attached.iter().filter(|attach| found.contains(attach)).count();
    }
    println!("{attaches} attaches of guests of qemu-user are found, {apart} as one candidate each");
    assert!(attaches >= 45 && apart * 10 >= attaches * 7, "{apart} of {attaches}");
}

/// Where the attachments of a dump of testdata begin, and their bytes.
fn attached(core: &Core) -> BTreeSet<(u64, u64)> {
    let attachments = core.segments().iter().flat_map(|segment| segment["attachments"].as_array().unwrap());
    attachments.map(|one| (hex(&one["start"]), hex(&one["end"]) - hex(&one["start"]))).collect()
}
