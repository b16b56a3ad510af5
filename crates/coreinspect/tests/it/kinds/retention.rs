//! What the kernel and gcore keep of each kind, foretold by `check` and found again in real dumps.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::subject::{EVERY_KIND, Subject, loads, saved};
use crate::live::hugepages::HugePages;
use crate::program::{Run, coreinspect};
use crate::tools::have;

/// Each mapping of a document by its start, with the segment that has it.
fn mappings(segments: &Value) -> HashMap<u64, (Value, Value)> {
    let mut all = HashMap::new();
    for segment in segments.as_array().unwrap() {
        for attachment in segment["attachments"].as_array().unwrap() {
            for mapping in attachment["mappings"].as_array().unwrap() {
                let start = mapping["start"].as_str().unwrap().strip_prefix("0x").unwrap();
                all.insert(u64::from_str_radix(start, 16).unwrap(), (segment.clone(), mapping.clone()));
            }
        }
    }
    all
}

/// Every mapping: what was foretold is what the dump holds, coreinspect sees the same, and names the rule that left it out.
fn compare(
    subject: &Subject,
    filter: u32,
    writer: &str,
    foretold: &HashMap<u64, (Value, Value)>,
    core: &Path,
) {
    let loads = loads(core);
    let run = Run::of(coreinspect().args(["--json", "--no-content"]).args(EVERY_KIND).arg(core)).ended(0);
    let told = mappings(&run.document()["dumps"][0]["segments"]);
    for one in &subject.mapped {
        let truth = saved(&loads, one);
        let name = format!("{} {writer} {filter:#x}: {truth} of {} bytes", one.what, one.length);
        let (checked, kept) = &foretold[&one.start];
        assert_eq!(kept["kept"][writer], truth, "{name}: {checked}");
        let (segment, mapping) = &told[&one.start];
        assert_eq!(mapping["saved"], truth, "{name}");
        assert_eq!(segment["kind"], one.kind(), "{name}");
        if truth == one.length {
            continue;
        }
        let code = &checked["causes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|cause| cause["writer"] == writer)
            .unwrap()["code"];
        let causes = segment["causes"].as_array().unwrap();
        assert!(causes.iter().any(|cause| cause["code"] == *code), "{name}: {code} is not among {causes:?}");
        let wrong = causes.iter().find(|cause| cause["certain"] == true && cause["code"] != *code);
        // Two ways of one file are one segment: what is said of it need not be of this mapping.
        let alone = segment["attachments"].as_array().unwrap().len() == 1;
        assert!(wrong.is_none() || !alone, "{name}: it was {code}, not {wrong:?}");
    }
}

#[test]
fn every_kind_in_every_way_is_kept_as_foretold() {
    if !have("readelf") || !have("gcc") {
        return;
    }
    let _pages = HugePages::reserve_some(48);
    for filter in [0x33, 0x3b, 0x37, 0x7f, 0x31] {
        let Some(mut subject) = Subject::start() else { return };
        subject.set_filter(filter);
        let foretold = mappings(&subject.ask(&["check"])["segments"]);
        assert_eq!(foretold.len(), subject.mapped.len(), "{filter:#x}");
        if let Some(core) = subject.gcore() {
            compare(&subject, filter, "gcore", &foretold, &core);
        }
        if let Some(core) = subject.abort() {
            compare(&subject, filter, "kernel", &foretold, &core);
        }
    }
}

/// The question that most people ask: the living file is not in a default core, and 0x3b is what keeps it.
#[test]
fn a_living_file_is_lost_by_bit_3() {
    let Some(mut subject) = Subject::start() else { return };
    let start = subject.mapping("posix/writable").start;
    let Some(core) = subject.abort() else { return };
    let run = Run::of(coreinspect().arg("--json").args(["--kind", "posix"]).arg(&core)).ended(0);
    let (segment, _) = &mappings(&run.document()["dumps"][0]["segments"])[&start];
    assert_eq!(segment["name"], format!("/dev/shm/{}-posix-0", subject.tag()));
    let cause = &segment["causes"][0];
    assert_eq!((&cause["code"], &cause["certain"]), (&"filter-mapped".into(), &false.into()));
    let mask = cause["fix"].as_str().unwrap().strip_prefix("echo 0x").unwrap();
    let mask = u32::from_str_radix(mask.split(' ').next().unwrap(), 16).unwrap();
    assert_eq!(mask & 0x3b, 0x3b, "{cause}");
}
