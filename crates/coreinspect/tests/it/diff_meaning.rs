//! The same bytes in two dumps whose machines read them by other rules.

use serde_json::json;

use crate::core_builder::presets;
use crate::program::{Run, coreinspect};

/// A `long` of 8 bytes stands at 8, one of 4 bytes at 4: both values by hand from the builder's bytes.
#[test]
fn fields_that_read_differently_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for (name, abi) in [("long8", presets::X86_64), ("long4", presets::I386)] {
        std::fs::write(folder.path().join(name), presets::kernel(abi).build().bytes).unwrap();
    }
    let bytes = presets::mailbox();
    let long = i64::from_le_bytes(bytes[8..16].try_into().unwrap());
    let short = i32::from_le_bytes(bytes[4..8].try_into().unwrap());
    assert_ne!(long, i64::from(short));
    let diff = |arguments: &[&str]| {
        Run::of(
            coreinspect()
                .arg("diff")
                .args(arguments)
                .args(["#1", "--layout", "i32 first; long second"])
                .current_dir(folder.path()),
        )
    };
    let run = diff(&["long8", "long4"]).ended(1);
    assert!(run.text().contains("read differently") && run.err.contains("read differently"), "{run:?}");
    let document = diff(&["long8", "long4", "--json"]).ended(1).document();
    let segment = &document["segments"][0];
    assert_eq!(segment["different"], 0);
    let fields = segment["fields"].as_array().unwrap();
    let second = fields.iter().find(|field| field["path"] == "second").unwrap();
    assert!(fields.iter().all(|field| field["path"] != "first"), "{fields:?}");
    assert_eq!(second["right"], json!(short));
    let said = second["left"].as_i64().or_else(|| second["left"].as_str()?.parse().ok());
    assert_eq!(said, Some(long));
    let run = diff(&["long8", "long8"]).ended(0);
    assert!(run.text().contains("all the same") && !run.text().contains("differently"), "{run:?}");
}
