//! Dumps that the kernel and gcore write here and now, held against the living process: what it attached, what the kernel
//! said of its mappings, what another process read of its segments.

mod diff;
mod dump;
pub(crate) mod hugepages;
mod known_paths;
mod lookalikes;
mod private;
mod search;
pub(crate) mod segment;
mod shared;
pub(crate) mod subject;
mod valgrind;
pub(crate) mod witness;

use dump::Kept::{All, Nothing, Pages};
use hugepages::HugePages;
use segment::{PAGE, Segment};
use serde_json::json;
use subject::Subject;

use crate::program::{Run, coreinspect};

#[test]
fn a_read_write_attachment_is_whole() {
    let segment = Segment::of_pages(5);
    let Some(mut subject) = Subject::start(&[segment.attach()]) else { return };
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        dump.tells(&[segment.keeps(&[All], None)]);
    }
}

/// The kernel keeps the first page; gcore keeps all.
#[test]
fn a_read_only_attachment_is_one_page() {
    let segment = Segment::of_pages(5);
    let Some(mut subject) = Subject::start(&[segment.attach_read_only()]) else { return };
    if let Some(dump) = subject.gcore(&[&segment]) {
        dump.tells(&[segment.keeps(&[All], None)]);
    }
    if let Some(dump) = subject.abort(&[&segment]) {
        let told = dump.tells(&[segment.keeps(&[Pages(&[0])], Some(("read-only-attach", "0x37")))]);
        assert_eq!(told["segments"][0]["causes"][0]["certain"], true, "no other rule keeps one page");
    }
}

#[test]
fn with_filter_0x37_a_read_only_attachment_is_whole() {
    let segment = Segment::of_pages(5);
    let Some(mut subject) = Subject::start(&[segment.attach_read_only()]) else { return };
    subject.set_filter("0x37");
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        dump.tells(&[segment.keeps(&[All], None)]);
    }
}

#[test]
fn with_filter_0x31_a_read_write_attachment_is_absent() {
    let segment = Segment::of_pages(3);
    let Some(mut subject) = Subject::start(&[segment.attach()]) else { return };
    subject.set_filter("0x31");
    if let Some(dump) = subject.gcore(&[&segment]) {
        dump.tells(&[segment.keeps(&[Nothing], Some(("filter-shared", "gcore -a")))]);
    }
    if let Some(dump) = subject.abort(&[&segment]) {
        dump.tells(&[segment.keeps(&[Nothing], Some(("filter-shared", "0x33")))]);
    }
}

#[test]
fn two_attachments_are_one_segment() {
    let segment = Segment::of_pages(3);
    let Some(mut subject) = Subject::start(&[segment.attach(), segment.attach()]) else { return };
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        dump.tells(&[segment.keeps(&[All, All], None)]);
    }
}

/// What one attachment lacks, another one of the same segment has: nothing is missing.
#[test]
fn a_read_only_attachment_is_completed_by_a_read_write_one() {
    let segment = Segment::of_pages(3);
    let Some(mut subject) = Subject::start(&[segment.attach_read_only(), segment.attach()]) else { return };
    let Some(read_only) = address(&subject) else { return };
    if let Some(dump) = subject.abort(&[&segment]) {
        let lowest = dump.process.rows.iter().map(|live| live.row.start).min();
        let kept = if lowest == Some(read_only) { [Pages(&[0]), All] } else { [All, Pages(&[0])] };
        let segment = &dump.tells(&[segment.keeps(&kept, None)])["segments"][0];
        assert_eq!(segment["state"], "whole");
    }
}

/// Where the first attachment is.
fn address(subject: &Subject) -> Option<u64> {
    u64::from_str_radix(subject.first_answer().strip_prefix("0x")?, 16).ok()
}

#[test]
fn pages_that_are_not_to_be_dumped_are_missing() {
    let segment = Segment::of_pages(6);
    let operations = [segment.attach(), "dontdump:0:1:2".to_owned(), "dontdump:0:5:1".to_owned()];
    let Some(mut subject) = Subject::start(&operations) else { return };
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        dump.tells(&[segment.keeps(&[Pages(&[0, 3, 4])], Some(("dontdump", "gcore -a")))]);
    }
}

/// What the fixes say: neither the filter nor madvise counts.
#[test]
fn gcore_a_keeps_all() {
    let segment = Segment::of_pages(6);
    let Some(subject) = Subject::start(&[segment.attach(), "dontdump:0:1:2".to_owned()]) else { return };
    subject.set_filter("0x31");
    if let Some(dump) = subject.gcore_with(&["-a"], &[&segment]) {
        dump.tells(&[segment.keeps(&[All], None)]);
    }
}

/// Four rights in a row, a page that was unmapped, a page whose rights were changed and put back: one attachment.
#[test]
fn an_attachment_that_mprotect_and_munmap_split_stays_one() {
    let segment = Segment::of_pages(8);
    let changes =
        ["protect:0:2:1:r", "protect:0:3:1:none", "unmap:0:5:1", "protect:0:6:1:r", "protect:0:6:1:rw"];
    let operations: Vec<_> = [segment.attach()].into_iter().chain(changes.map(str::to_owned)).collect();
    let Some(mut subject) = Subject::start(&operations) else { return };
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        let told = dump.tells(&[segment.keeps(&[All], None)]);
        let mappings = told["segments"][0]["attachments"][0]["mappings"].as_array().unwrap();
        assert!(mappings.len() >= 5, "the kernel split it into {}", mappings.len());
        assert_eq!(told["segments"][0]["mapped"], 7 * PAGE);
    }
}

/// The base is where offset 0 was, although nothing is mapped there any more.
#[test]
fn an_attachment_that_lost_its_first_page_keeps_its_base() {
    let segment = Segment::of_pages(4);
    let Some(mut subject) = Subject::start(&[segment.attach(), "unmap:0:0:1".to_owned()]) else { return };
    let base = address(&subject).unwrap();
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        let told = dump.tells(&[segment.keeps(&[All], None)]);
        assert_eq!(told["segments"][0]["attachments"][0]["base"], format!("{base:#x}"));
    }
}

#[test]
fn segments_without_a_key_are_told_apart() {
    let (first, second) = (Segment::private(2), Segment::private(3));
    let Some(mut subject) = Subject::start(&[first.attach(), second.attach()]) else { return };
    let segments = [&first, &second];
    for dump in [subject.gcore(&segments), subject.abort(&segments)].into_iter().flatten() {
        let told = dump.tells(&[first.keeps(&[All], None), second.keeps(&[All], None)]);
        for segment in told["segments"].as_array().unwrap() {
            assert_eq!((&segment["private"], &segment["key_parts"]), (&json!(true), &json!(null)));
        }
    }
}

/// The name keeps the key that `ipcs` no longer shows.
#[test]
fn a_removed_segment_keeps_its_key() {
    let segment = Segment::of_pages(2);
    let Some(mut subject) = Subject::start(&[segment.attach()]) else { return };
    segment.remove();
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        dump.tells(&[segment.keeps(&[All], None)]);
    }
}

#[test]
fn a_negative_key_is_hexadecimal_and_signed() {
    let segment = Segment::with_negative_key(5000);
    let Some(mut subject) = Subject::start(&[segment.attach()]) else { return };
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        let told = dump.tells(&[segment.keeps(&[All], None)]);
        assert!(told["segments"][0]["key_t"].as_i64().unwrap() < 0);
        assert_eq!(told["segments"][0]["mapped"], 8192);
    }
}

/// PostgreSQL's segment has 56 bytes; what is mapped is a page.
#[test]
fn a_size_below_a_page_is_a_page() {
    let segment = Segment::of_size(56);
    let Some(mut subject) = Subject::start(&[segment.attach()]) else { return };
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        let told = dump.tells(&[segment.keeps(&[All], None)]);
        assert_eq!(told["segments"][0]["mapped"], PAGE);
        assert_eq!(told["segments"][0]["size"], json!(null), "no core holds it");
    }
}

/// 64 MiB, of which two pages were ever written.
#[test]
fn a_large_sparse_segment_is_whole() {
    let segment = Segment::sparse(64 << 20);
    let Some(mut subject) = Subject::start(&[segment.attach()]) else { return };
    if let Some(dump) = subject.abort(&[&segment]) {
        dump.tells(&[segment.keeps(&[All], None)]);
    }
}

/// gcore writes no program header of a huge page: its rights are unknown.
#[test]
fn huge_pages_need_their_own_bit_of_the_filter() {
    const SIZE: usize = 2 << 20;
    let Some(_pages) = HugePages::reserve() else { return };
    for (filter, kept, cause) in [("0x33", Nothing, Some(("hugetlb", "0x73"))), ("0x73", All, None)] {
        let key = segment::private_key();
        // Safe Rust makes no segment of huge pages.
        let Some(maker) = Subject::start(&[format!("make:{key:x}:{SIZE}")]) else { return };
        let segment = Segment::made(key, maker.first_answer().parse().unwrap(), SIZE);
        let Some(mut subject) = Subject::start(&[segment.attach()]) else { return };
        subject.set_filter(filter);
        for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
            dump.tells(&[segment.keeps(&[kept], cause)]);
        }
    }
}

/// A thread that is not the first writes into a read-only attachment.
#[test]
fn a_fault_tells_the_address_and_the_threads() {
    let segment = Segment::of_pages(3);
    let Some(mut subject) = Subject::start(&[segment.attach_read_only(), "threads".to_owned()]) else {
        return;
    };
    let base = address(&subject).unwrap();
    if let Some(dump) = subject.fault(&[&segment], 0x2123) {
        let told = dump.tells(&[segment.keeps(&[Pages(&[0])], Some(("read-only-attach", "0x37")))]);
        let process = &told["process"];
        assert_eq!(process["fault_address"], format!("{:#x}", base + 0x2123));
        assert_eq!(process["threads"].as_array().unwrap().len(), 3);
        assert_ne!(process["threads"][0], process["pid"], "the kernel names the thread that faulted first");
    }
}

/// The limit ends inside the segment; `check` says at which page, within the one that notes may take more or less.
#[test]
fn where_a_limit_cuts_is_foretold() {
    let segment = Segment::of_pages(64);
    let Some(whole) = Subject::start(&[segment.attach()]) else { return };
    let needed = whole.check()["settings"]["core_size"].as_u64().unwrap();
    let mut told = vec![];
    // The segment stands in the upper half of what is written, among the libraries.
    for share in [0, 1, 5, 7, 9, 10, 11, 15] {
        let Some(mut subject) = Subject::start(&[segment.attach()]) else { return };
        subject.set_limit(needed * share / 10);
        let Some(forecast) = Some(subject.check()) else { return };
        let kept = forecast["segments"][0]["kept"]["kernel"].as_u64().unwrap();
        let Some(core) = subject.abort_within_limit() else { return };
        let saved = core.map_or(0, |core| {
            let run = Run::of(coreinspect().arg("--json").arg(core));
            run.document()["dumps"][0]["segments"][0]["saved"].as_u64().unwrap_or(0)
        });
        assert!(
            kept.abs_diff(saved) <= PAGE as u64,
            "{kept} foretold, {saved} saved, of limit {share}/10: {forecast}"
        );
        told.push(kept);
    }
    assert!(told.is_sorted() && told[0] == 0 && told[7] == 64 * PAGE as u64, "{told:?}");
}

/// Whoever lost a byte says so by the exit status.
#[test]
fn check_is_a_gate() {
    let segment = Segment::of_pages(3);
    let Some(subject) = Subject::start(&[segment.attach()]) else { return };
    let check = |arguments: &[&str]| {
        Run::of(coreinspect().arg("check").args(arguments).arg(subject.pid().to_string()))
    };
    check(&[]).ended(0);
    subject.set_filter("0x31");
    let run = check(&[]).ended(1);
    assert!(run.text().contains("filter-shared") && run.err.contains("12288 bytes"), "{run:?}");
    check(&["--dumper", "gcore"]).ended(1);
    let createdump = check(&["--dumper", "createdump"]).ended(1);
    assert!(createdump.err.contains("2.x and 3.1 dumps any process"), "{createdump:?}");
    let none = Run::of(coreinspect().args(["check", &std::process::id().to_string()])).ended(1);
    assert!(none.err.contains("no System V segment"), "{none:?}");
    Run::of(coreinspect().args(["check", "4194303"])).ended(2);
}
