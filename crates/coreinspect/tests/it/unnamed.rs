//! Segments without a name: what is found of them, and what is taken for one and is none.
//!
//! The truth is where the program says that shmat put them, or that it made none.

mod alarms;
mod found;
mod postgresql;
mod sister;
mod subject;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde_json::Value;

use crate::program::{Run, coreinspect};

/// The segments that are found by content in `core`: where each begins, and how many bytes it has.
fn candidates(core: &Path, flags: &[&str]) -> Vec<(u64, u64)> {
    let document = Run::of(coreinspect().arg("--json").args(flags).arg(core)).document();
    let segments = document["dumps"][0]["segments"].as_array().unwrap();
    let by_content = segments.iter().filter(|segment| segment["found_by"] == "content");
    let found = by_content.map(|segment| {
        let nothing_made_up =
            segment["key"].is_null() && segment["name"].is_null() && segment["shmid"].is_null();
        assert!(nothing_made_up && !segment["found_reasons"].as_array().unwrap().is_empty(), "{segment}");
        (hex(&segment["attachments"][0]["base"]), segment["mapped"].as_u64().unwrap())
    });
    found.collect()
}

/// An address of the JSON as a number.
fn hex(address: &Value) -> u64 {
    u64::from_str_radix(address.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// Takes the names out of `core`: NT_FILE becomes a note of a type that nobody knows. The holes of the file stay.
fn take_names(core: &Path) {
    const NT_FILE: u32 = 0x4649_4c45;
    let file = OpenOptions::new().read(true).write(true).open(core).unwrap();
    let mut start = vec![0; 1 << 20];
    let count = file.read_at(&mut start, 0).unwrap();
    let at = start[..count].windows(4).position(|word| {
        let word = word.try_into().unwrap();
        u32::from_le_bytes(word) == NT_FILE || u32::from_be_bytes(word) == NT_FILE
    });
    file.write_all_at(&0x1122_3344_u32.to_le_bytes(), at.expect("NT_FILE") as u64).unwrap();
}
