//! `search`: what was planted in a live segment is found in its dumps, where it stands and nowhere else.

use std::path::Path;

use serde_json::{Value, json};

use super::segment::{PAGE, Segment};
use super::subject::Subject;
use crate::program::{Run, coreinspect};

/// Everything before the pattern is always `search CORE SEGMENT`.
fn search(core: &Path, segment: &str, rest: &[&str]) -> Run {
    Run::of(coreinspect().arg("search").arg(core).arg(segment).args(rest))
}

fn offsets(report: &Value) -> Vec<u64> {
    let hits = report["segments"][0]["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["offset"].as_u64().unwrap()).collect()
}

/// Every offset of `wanted` in what the living segment held.
fn truth(bytes: &[u8], wanted: &[u8]) -> Vec<u64> {
    let places = bytes.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted);
    places.map(|(at, _)| at as u64).collect()
}

#[test]
fn what_was_planted_is_found() {
    let segment = Segment::of_pages(80);
    // Across a page, across 256 KiB, at the very end, and two that overlap.
    for at in [PAGE - 3, (256 << 10) - 2, 80 * PAGE - 8, 300, 304] {
        segment.plant(at, b"NEEDLE!!");
    }
    segment.plant(2 * PAGE, &0x1122_3344_5566_7788_u64.to_ne_bytes());
    segment.plant(2 * PAGE + 8, &(-42_i32).to_ne_bytes());
    segment.plant(2 * PAGE + 12, &2.5_f32.to_ne_bytes());
    let wide: Vec<u8> = "Größe".encode_utf16().flat_map(u16::to_ne_bytes).collect();
    segment.plant(3 * PAGE + 1, &wide);
    let bytes = segment.bytes();
    let Some(mut subject) = Subject::start(&[segment.attach()]) else { return };
    for dump in [subject.gcore(&[&segment]), subject.abort(&[&segment])].into_iter().flatten() {
        let base = dump.process.rows.iter().find(|row| row.inode == segment.shmid());
        let base = base.map(|row| row.row.start);
        for (pattern, wanted) in [
            ("NEEDLE!!", b"NEEDLE!!".to_vec()),
            ("text:DLE", b"DLE".to_vec()),
            ("hex:4e 45 45 44", b"NEED".to_vec()),
            ("u64:0x1122334455667788", 0x1122_3344_5566_7788_u64.to_ne_bytes().to_vec()),
            ("ptr:1122334455667788", 0x1122_3344_5566_7788_u64.to_ne_bytes().to_vec()),
            ("i32:-42", (-42_i32).to_ne_bytes().to_vec()),
            ("f32:2.5", 2.5_f32.to_ne_bytes().to_vec()),
            ("utf16:Größe", wide.clone()),
            ("u8:7", vec![7]),
        ] {
            let run = search(&dump.path, &segment.key(), &[pattern, "--json", "--limit", "100000"]).ended(0);
            let report = run.document();
            assert_eq!(offsets(&report), truth(&bytes, &wanted), "{pattern} in {}", dump.writer);
            assert_eq!(report["total"], truth(&bytes, &wanted).len());
            assert_eq!(report["segments"][0]["searched"], bytes.len());
            let first = &report["segments"][0]["hits"][0];
            let address = base.map(|base| format!("{:#x}", base + offsets(&report)[0]));
            assert_eq!(first["address"], json!(address), "{first}");
            // The context is what stands there.
            let context = first["context_offset"].as_u64().unwrap() as usize;
            let hex: String = bytes[context..]
                .iter()
                .take(first["context"].as_str().unwrap().len() / 2)
                .map(|b| format!("{b:02x}"))
                .collect();
            assert_eq!(first["context"], hex);
        }
        let lower = search(&dump.path, "#1", &["needle!!", "-i", "--json"]).ended(0).document();
        assert_eq!(offsets(&lower), truth(&bytes, b"NEEDLE!!"));
        let none = search(&dump.path, "#1", &["needle!!"]).ended(1);
        assert!(none.err.contains("no hit in 327680 bytes"), "{none:?}");
    }
}

/// A reader's core keeps one page: what stands behind it, and across its end, is not found, and that is said.
#[test]
fn what_is_not_saved_is_named_as_not_searched() {
    let segment = Segment::of_pages(5);
    segment.plant(100, b"NEEDLE!!");
    segment.plant(PAGE - 4, b"NEEDLE!!");
    segment.plant(3 * PAGE, b"NEEDLE!!");
    let Some(mut subject) = Subject::start(&[segment.attach_read_only()]) else { return };
    let Some(dump) = subject.abort(&[&segment]) else { return };
    let report = search(&dump.path, "#1", &["NEEDLE!!", "--json"]).ended(0).document();
    assert_eq!(offsets(&report), [100]);
    let not_searched = json!([{ "start": PAGE, "end": 5 * PAGE, "reason": "not-saved" }]);
    assert_eq!(report["segments"][0]["not_searched"], not_searched);
    let text = search(&dump.path, "#1", &["NEEDLE!!"]).ended(0);
    assert!(text.text().contains("not searched: 0x1000-0x5000 (16384 bytes, not-saved)"), "{text:?}");
    let none = search(&dump.path, "#1", &["nothing of the kind"]).ended(1);
    assert!(none.err.contains("16384 bytes are not in the dump"), "{none:?}");
}

/// The path of each hit, by a layout that is forced: the offsets are those that gcc gives the struct.
#[test]
fn a_hit_is_in_a_field() {
    let segment = Segment::of_pages(9);
    segment.plant(0, &[0; 64]);
    segment.plant(4, b"abcdefgh");
    for index in [0_usize, 3, 1000] {
        segment.plant(16 + index * 24 + 8, &0xfeed_f00d_u32.to_ne_bytes());
    }
    let Some(subject) = Subject::start(&[segment.attach()]) else { return };
    let Some(dump) = subject.gcore(&[&segment]) else { return };
    let layout = "u32 flag; char name[8]; struct { u64 id; u32 mark; u64 sum; } items[1200]";
    let field = |pattern: &str| {
        let report = search(&dump.path, "#1", &[pattern, "--json", "--layout", layout]).ended(0).document();
        let hits = report["segments"][0]["hits"].as_array().unwrap().clone();
        hits.iter().map(|hit| (hit["field"].clone(), hit["field_offset"].clone())).collect::<Vec<_>>()
    };
    let marks = ["items[0].mark", "items[3].mark", "items[1000].mark"].map(|path| (json!(path), json!(0)));
    assert_eq!(field("u32:0xfeedf00d"), marks);
    assert_eq!(field("cdef"), [(json!("name"), json!(2))]);
}

#[test]
fn wrong_words_are_said() {
    let segment = Segment::of_pages(1);
    let Some(subject) = Subject::start(&[segment.attach()]) else { return };
    let Some(dump) = subject.gcore(&[&segment]) else { return };
    for (segment, patterns, says) in [
        ("#2", &["x"] as &[&str], "#2 names no segment"),
        ("#1", &[], "name a PATTERN"),
        ("all", &[], "name a PATTERN"),
        ("#1", &["u32:zebra"], "no whole number"),
        ("#1", &["hex:abc"], "left over"),
        ("#1", &[""], "no byte to look for"),
    ] {
        let run = search(&dump.path, segment, patterns).ended(2);
        assert!(run.err.contains(says) && run.out.is_empty(), "{segment} {patterns:?}: {run:?}");
    }
    // One word alone is a pattern, for every segment.
    let all = search(&dump.path, "I am ", &[]).ended(0);
    assert_eq!(all.text(), search(&dump.path, "all", &["I am "]).ended(0).text());
}
