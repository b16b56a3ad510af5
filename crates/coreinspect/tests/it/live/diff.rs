//! `diff`: two dumps of a segment, and a dump and the living segment. The truth is what the living segment held each time.

use std::path::Path;

use serde_json::{Value, json};

use super::segment::{PAGE, Segment};
use super::subject::Subject;
use crate::program::{Run, coreinspect};

fn diff(arguments: &[&str]) -> Run {
    Run::of(coreinspect().arg("diff").args(arguments))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Maximal runs of bytes that differ, found one by one.
fn ranges(one: &[u8], other: &[u8]) -> Value {
    let mut runs = Vec::<[usize; 2]>::new();
    for at in (0..one.len()).filter(|at| one[*at] != other[*at]) {
        match runs.last_mut() {
            Some(last) if last[1] == at => last[1] = at + 1,
            _ => runs.push([at, at + 1]),
        }
    }
    runs.into_iter().map(|[start, end]| json!({ "start": start, "end": end })).collect()
}

fn attached(segment: &Segment) -> u64 {
    let id = shmcore::ShmId::from_raw(segment.shmid());
    shmcore::Segment::from_id(id).status().unwrap().attach_count()
}

const LAYOUT: &str = "u32 seq; i32 delta; char name[16]; struct { u64 id; f64 load; } items[2000]";

#[test]
fn two_dumps_of_one_process_and_the_living_segment() {
    let segment = Segment::of_pages(80);
    segment.plant(0, &[0; 24]);
    segment.plant(0, &7_u32.to_ne_bytes());
    segment.plant(8, b"first\0");
    let before = segment.bytes();
    let [one, other] = [(); 2].map(|()| Subject::start(&[segment.attach()]));
    let (Some(one), Some(other)) = (one, other) else { return };
    let Some(first) = one.gcore(&[&segment]) else { return };
    segment.plant(0, &9_u32.to_ne_bytes());
    segment.plant(8, b"second\0");
    // items[100] begins at 24 + 100 * 16.
    segment.plant(24 + 100 * 16 + 8, &2.5_f64.to_ne_bytes());
    segment.plant(79 * PAGE, &[0xff; 9]);
    // Across a page and a block of any reader.
    segment.plant((256 << 10) - 3, &[0xff; 6]);
    let after = segment.bytes();
    let Some(second) = other.gcore(&[&segment]) else { return };
    let expected = ranges(&before, &after);
    let attachments = attached(&segment);
    let flags = ["--json", "--layout", LAYOUT];
    let two = [text(&first.path), text(&second.path)];
    let live = [text(&first.path), "--live"];
    for (places, only_right) in [(&two[..], json!(1)), (&live[..], json!(null))] {
        let run = diff(&[places, &flags].concat()).ended(1);
        let report = run.document();
        let told = &report["segments"][0];
        assert_eq!(told["ranges"], expected, "{places:?}");
        assert_eq!(
            (&told["key"], &told["left"], &told["right"]),
            (&json!(segment.key()), &json!(1), &only_right)
        );
        assert_eq!((&told["compared"], &told["not_compared"]), (&json!(80 * PAGE), &json!(0)));
        let different = before.iter().zip(&after).filter(|(one, other)| one != other).count();
        assert_eq!(told["different"], different);
        assert_eq!(told["newer"], "right", "{told}");
        let fields: Vec<_> = told["fields"].as_array().unwrap().iter().take(3).cloned().collect();
        let load = f64::from_ne_bytes(before[24 + 100 * 16 + 8..][..8].try_into().unwrap());
        let expected = [
            json!({ "path": "seq", "start": 0, "end": 4, "left": 7, "right": 9 }),
            json!({ "path": "name", "start": 8, "end": 24, "left": "first", "right": "second" }),
            json!({ "path": "items[100].load", "start": 1632, "end": 1640, "left": load, "right": 2.5 }),
        ];
        assert_eq!(fields, expected);
        assert!(told["evidence"].as_array().unwrap().iter().any(|one| one["kind"] == "counter"), "{told}");
    }
    assert_eq!(attached(&segment), attachments, "the living segment was not attached");
    let live = diff(&[text(&first.path), "--live"]).ended(1);
    assert!(live.text().contains("/proc/"), "{live:?}");
    let same = diff(&[text(&second.path), "--live"]).ended(0);
    assert!(same.text().contains("327680 bytes compared, all the same"), "{same:?}");
    let same = diff(&[text(&second.path), text(&second.path), "--json"]).ended(0).document();
    assert_eq!((&same["segments"][0]["ranges"], &same["segments"][0]["fields"]), (&json!([]), &json!([])));
    // In text, at 80 columns.
    let narrow =
        coreinspect().arg("diff").args(two).args(["--hex", "--layout", LAYOUT]).env("COLUMNS", "80").output();
    let narrow = String::from_utf8(narrow.unwrap().stdout).unwrap();
    assert!(narrow.contains("seq   7 -> 9") || narrow.contains("seq              7 -> 9"), "{narrow}");
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
}

/// A reader's core has one page: what it lacks is named, and is no difference. The extracted bytes say the same.
#[test]
fn what_one_side_lacks_is_not_compared() {
    let segment = Segment::of_pages(4);
    let [writer, reader] =
        [segment.attach(), segment.attach_read_only()].map(|attach| Subject::start(&[attach]));
    let (Some(mut writer), Some(mut reader)) = (writer, reader) else { return };
    let Some(whole) = writer.abort(&[&segment]) else { return };
    segment.plant(10, b"x");
    segment.plant(2 * PAGE, b"x");
    let Some(page) = reader.abort(&[&segment]) else { return };
    let lacking = json!([{ "start": PAGE, "end": 4 * PAGE, "left": null, "right": "not-saved" }]);
    let check = |report: &Value| {
        let told = &report["segments"][0];
        assert_eq!(told["ranges"], json!([{ "start": 10, "end": 11 }]));
        assert_eq!((&told["compared"], &told["different"]), (&json!(PAGE), &json!(1)));
        assert_eq!((&told["not_compared"], &told["not_compared_ranges"]), (&json!(3 * PAGE), &lacking));
    };
    let report = diff(&[text(&whole.path), text(&page.path), "--json"]).ended(1).document();
    check(&report);
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("bytes");
    Run::of(coreinspect().arg("extract").arg(&page.path).args(["#1", "-o"]).arg(&raw)).ended(0);
    check(&diff(&[text(&whole.path), "--raw", text(&raw), "--json"]).ended(1).document());
}

/// IPC_PRIVATE says nothing: only --pair, or one process at one address, makes two of them one.
#[test]
fn private_segments_are_paired_by_hand() {
    let [mine, yours] = [(); 2].map(|()| Segment::private(2));
    yours.plant(5, b"?");
    let [one, other] = [&mine, &yours].map(|segment| Subject::start(&[segment.attach()]));
    let (Some(one), Some(other)) = (one, other) else { return };
    let (Some(left), Some(right)) = (one.gcore(&[&mine]), other.gcore(&[&yours])) else { return };
    let run = diff(&[text(&left.path), text(&right.path), "--json"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("--pair 1=1"), "{run:?}");
    let sides: Vec<_> =
        run.document()["segments"].as_array().unwrap().iter().map(|one| one["only_in"].clone()).collect();
    assert_eq!(sides, ["left", "right"]);
    let paired = diff(&[text(&left.path), text(&right.path), "--pair", "1=1", "--json"]).ended(1).document();
    assert_eq!(paired["segments"][0]["ranges"], ranges(&mine.bytes(), &yours.bytes()));
    assert_eq!(paired["segments"][0]["matched_by"], "pair");
    let again = one.gcore(&[&mine]);
    let again = again.map(|again| diff(&[text(&left.path), text(&again.path), "--json"]).ended(0).document());
    assert_eq!(again.unwrap()["segments"][0]["matched_by"], "process");
}

/// Keys in one dump alone are told, and count as a difference; wrong words are status 2.
#[test]
fn segments_on_one_side_and_wrong_words() {
    let [shared, alone] = [Segment::of_pages(1), Segment::of_pages(1)];
    let [one, other] =
        [vec![shared.attach()], vec![shared.attach(), alone.attach()]].map(|words| Subject::start(&words));
    let (Some(one), Some(other)) = (one, other) else { return };
    let (Some(left), Some(right)) = (one.gcore(&[]), other.gcore(&[])) else { return };
    let (left, right) = (text(&left.path), text(&right.path));
    let report = diff(&[left, right, "--json"]).ended(1).document();
    let told = report["segments"].as_array().unwrap();
    let alone_in: Vec<_> = told.iter().map(|one| (one["key"].clone(), one["only_in"].clone())).collect();
    assert_eq!(alone_in, [(json!(shared.key()), json!(null)), (json!(alone.key()), json!("right"))]);
    diff(&[left, right, &shared.key()]).ended(0);
    diff(&[left, right, &alone.key()]).ended(1);
    for arguments in [
        &[left] as &[&str],
        &[left, "/nowhere"],
        &[left, "/etc/passwd"],
        &[left, right, "0x12345678"],
        &[left, right, "#1", "#2"],
        &[left, right, "--pair", "#1"],
        &[left, right, "--live", "--raw", "x"],
        &[left, "--raw", "/nowhere"],
    ] {
        let run = diff(arguments).ended(2);
        assert!(run.out.is_empty(), "{run:?}");
    }
}
