//! Programs that fault in and beside segments: the report says where, and what must have been tried.

use serde_json::{Value, json};

use super::crashed::Crashed;
use crate::program::{Run, coreinspect};

/// `fault` of the program's case, its core's listing in one line, and where the segment was.
fn fault(case: &str) -> Option<(Value, String, u64)> {
    let crashed = Crashed::of("fault.c", &[], &[case])?;
    let dump = crashed.dump(&[]);
    let listing = Run::of(coreinspect().arg(crashed.core())).text().to_owned();
    Some((dump["fault"].clone(), listing, crashed.address("base")))
}

/// What the case must say: access, relation and offset, and the sentence, where KEY stands for the key.
fn tells(case: &str, access: Value, relation: &str, offset: u64, at: impl Fn(u64) -> u64, sentence: &str) {
    tells_why(case, (access, Value::Null), relation, offset, at, sentence);
}

/// As [`tells`], with what forbade the access.
fn tells_why(
    case: &str,
    (access, forbidden_by): (Value, Value),
    relation: &str,
    offset: u64,
    at: impl Fn(u64) -> u64,
    sentence: &str,
) {
    let Some((told, listing, base)) = fault(case) else { return };
    let key = told["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("0x4a"), "{told}");
    let address = format!("{:#x}", at(base));
    let message = format!("fault at {address}{}", sentence.replace("KEY", &key));
    let expected = json!({"address": address, "access": access, "forbidden_by": forbidden_by, "segment": 1, "key": key, "relation": relation, "from": null,
        "offset": offset, "message": message});
    assert_eq!(told, expected, "{case}");
    assert!(listing.lines().any(|line| line == message), "{case}: {listing}");
}

#[test]
fn a_write_to_a_read_only_attach() {
    let sentence = ": write to a read-only attach, at offset 0x1123 of segment KEY";
    let write = (json!("write"), json!("attach"));
    tells_why("write-read-only", write, "inside", 0x1123, |base| base + 0x1123, sentence);
}

#[test]
fn an_access_past_the_end() {
    let size = 0x4000;
    let past = |bytes| move |base| base + size + bytes;
    tells("past-end", Value::Null, "past-end", 8, past(8), ", 8 bytes past the end of segment KEY");
    tells("just-past", Value::Null, "past-end", 0, past(0), ", just past the end of segment KEY");
}

#[test]
fn an_access_before_the_start() {
    let sentence = ", 8 bytes before the start of segment KEY";
    tells("before-start", Value::Null, "before-start", 8, |base| base - 8, sentence);
}

#[test]
fn an_access_to_a_part_that_was_unmapped() {
    let sentence = ", in a part of segment KEY that was unmapped";
    tells("unmapped", Value::Null, "unmapped", 0x1005, |base| base + 0x1005, sentence);
}

#[test]
fn an_access_that_mprotect_forbade() {
    let sentence = ": access at offset 0x1005 of segment KEY, which mprotect made inaccessible";
    tells_why(
        "inaccessible",
        (Value::Null, json!("mprotect")),
        "inside",
        0x1005,
        |base| base + 0x1005,
        sentence,
    );
}

/// The row of the page has the rights of a read-only attach; the attach has others, or its rows do not tell.
#[test]
fn a_write_to_what_mprotect_made_read_only() {
    let sentence = ": write to memory that mprotect made read-only, at offset 0x1005 of segment KEY";
    let write = || json!("write");
    let at = |base| base + 0x1005;
    tells_why("mprotected", (write(), json!("mprotect")), "inside", 0x1005, at, sentence);
    let sentence =
        ": write to memory that the attach or mprotect made read-only, at offset 0x1005 of segment KEY";
    tells_why("all-mprotected", (write(), Value::Null), "inside", 0x1005, at, sentence);
}

#[test]
fn an_execution_of_what_is_data() {
    let sentence = ": execution at offset 0x40 of segment KEY, which its rights (rw-) do not allow";
    tells("execute", json!("execute"), "inside", 0x40, |base| base + 0x40, sentence);
    if cfg!(target_arch = "x86_64") {
        let sentence = ": execution at offset 0x80 of segment KEY";
        tells("instruction", json!("execute"), "inside", 0x80, |base| base + 0x80, sentence);
    }
}

/// mremap(2) makes a mapping longer than its segment: the kernel raises SIGBUS behind the segment's end.
#[test]
fn an_access_where_the_mapping_goes_on_and_the_segment_does_not() {
    let Some(crashed) = Crashed::of("fault.c", &[], &["shorter"]) else { return };
    let told = crashed.dump(&[]);
    assert_eq!(told["process"]["signal"]["name"], "SIGBUS");
    let fault = &told["fault"];
    assert_eq!(fault["address"], format!("{:#x}", crashed.address("moved") + 0x4008));
    assert_eq!((&fault["relation"], &fault["offset"]), (&json!("inside"), &json!(0x4008)));
    assert!(fault["message"].as_str().unwrap().contains("where the segment has no byte"), "{fault}");
}

/// An address that is near no segment is not told of one, and a process that faulted nowhere has no fault.
#[test]
fn a_fault_elsewhere_is_no_segments() {
    for (case, address) in [("elsewhere", Some(0x10)), ("far-past", None)] {
        let Some((told, listing, base)) = fault(case) else { return };
        let address = address.unwrap_or(base + 0x4000 + 100_000);
        assert_eq!(told["address"], format!("{address:#x}"), "{case}");
        assert_eq!((&told["relation"], &told["segment"]), (&json!("elsewhere"), &Value::Null), "{case}");
        assert!(!listing.contains("fault at"), "{listing}");
    }
    let Some((told, ..)) = fault("none") else { return };
    assert_eq!(told, Value::Null);
}
