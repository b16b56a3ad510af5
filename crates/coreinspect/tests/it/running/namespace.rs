//! `live` without a PID: the segments of an IPC namespace, in namespaces of our own, held against ipcs and the kernel.

use std::process::Command;

use serde_json::{Value, json};

use super::holder::{Holder, row};
use super::{key, make, root};
use crate::program::{Run, coreinspect};
use crate::tools::have;

/// A run of coreinspect in the IPC namespace of `holder`.
fn inside(holder: &Holder, words: &[&str]) -> Run {
    let mut command = Command::new("nsenter");
    command.args(["-i", "-t", &holder.pid(), env!("CARGO_BIN_EXE_coreinspect")]).args(words);
    Run::of(command.env_remove("COLUMNS"))
}

#[test]
fn every_segment_is_told_with_who_attaches_it() {
    if !root() || !have("unshare") || !have("nsenter") {
        return;
    }
    let (kept, orphan) = (key(), key());
    let keep = [format!("keep:{kept}:7000")];
    let operations = [make(5000), "again:ro".to_owned(), keep[0].clone()];
    let operations: Vec<_> = operations.iter().map(String::as_str).collect();
    let Some(holder) = Holder::start_by(&["unshare", "--ipc"], &[], &operations) else { return };
    let pid = holder.pid();
    let nsenter = ["nsenter", "-i", "-t", &pid];
    let orphan = [format!("keep:{orphan}:9000")];
    let maker = Holder::start_by(&nsenter, &[], &[&orphan[0]]);
    let orphaned = maker.as_ref().map(|maker| maker.shmid(0)).unwrap();
    let while_it_lives = inside(&holder, &["live", "--json"]).ended(0).document();
    drop(maker);
    let run = inside(&holder, &["live", "--json"]).ended(0);
    let document = run.document();

    // One report: of the one process that attaches a segment.
    assert_eq!(document["dumps"].as_array().unwrap().len(), 1, "{document}");
    assert_eq!(document["dumps"][0]["process"]["pid"].to_string(), pid);
    let find = |document: &Value, shmid: i32| {
        let segments = document["namespace"]["segments"].as_array().unwrap().clone();
        assert_eq!(segments.len(), 3, "{document}");
        segments.into_iter().find(|segment| segment["shmid"] == shmid).unwrap()
    };
    for (shmid, attached_by, is_orphan) in [
        (holder.shmid(0), vec![pid.parse::<u32>().unwrap()], false),
        (holder.shmid(2), vec![], false),
        (orphaned, vec![], true),
    ] {
        let segment = find(&document, shmid);
        let row = row(&nsenter, shmid);
        for (field, column) in [
            ("size", "size"),
            ("resident", "rss"),
            ("swap", "swap"),
            ("owner", "uid"),
            ("nattch", "nattch"),
            ("cpid", "cpid"),
        ] {
            assert_eq!(segment[field], row[column].parse::<u64>().unwrap(), "{field}: {segment}");
        }
        assert_eq!((&segment["attached_by"], &segment["orphan"]), (&json!(attached_by), &json!(is_orphan)));
    }
    assert_eq!(find(&while_it_lives, orphaned)["orphan"], false, "its creator lives");
    // After IPC_RMID the kernel's table has no key any more; the mapping has.
    let name = operations[0].split(':').nth(1).unwrap();
    assert_eq!(find(&document, holder.shmid(0))["key"], format!("0x{name:0>8}"));

    let table = inside(&holder, &["live"]).ended(0);
    assert!(table.text().contains(&format!("  ipcrm -m {orphaned}  # ")), "{table:?}");
    assert_eq!(table.text().matches("ipcrm").count(), 1, "{table:?}");
    assert!(table.text().contains(&format!("{pid} holder")), "{table:?}");
    let verbose = inside(&holder, &["live", "-v"]).ended(0);
    assert!(verbose.text().contains(&format!("/proc/{pid}: ")), "{verbose:?}");
    let lines = inside(&holder, &["live", "--format", "jsonl"]).ended(0);
    let lines: Vec<Value> = lines.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["kind"]), (2, &json!("process")));
    assert_eq!(lines[1]["namespace"]["segments"].as_array().unwrap().len(), 3);
}

#[test]
fn an_empty_namespace_is_status_1() {
    if !root() || !have("unshare") {
        return;
    }
    let unshared = |words: &[&str]| {
        let mut command = Command::new("unshare");
        Run::of(command.args(["--ipc", env!("CARGO_BIN_EXE_coreinspect")]).args(words))
    };
    let run = unshared(&["live", "-q"]).ended(1);
    assert!(run.out.is_empty() && run.err.contains("no System V segment"), "{run:?}");
    let document = unshared(&["live", "--json"]).ended(1).document();
    assert_eq!((&document["dumps"], &document["namespace"]["segments"]), (&json!([]), &json!([])));
}

#[test]
fn what_is_about_processes_needs_one() {
    for words in [&["live", "--stop"] as &[_], &["live", "--watch"], &["live", "--expect", "flag=ready"]] {
        Run::of(coreinspect().args(words)).ended(2);
    }
}
