//! The real dumps of testdata, held against what was true of the processes: keys, addresses, offsets, counts, the
//! bytes themselves, and causes. The expected facts come from the kernel and from another process, not from here.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::program::{Run, coreinspect};
use crate::testdata::{Core, names};

/// Fields of `from` that are called as in `names`.
pub(crate) fn pick(from: &Value, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), from[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What a segment must say, in one shape for both sides.
fn attachments(segment: &Value) -> Value {
    let mapping =
        |mapping: &Value| pick(mapping, &["start", "end", "offset", "permissions", "saved", "missing"]);
    let attachment = |attachment: &Value| {
        let mut facts = pick(attachment, &["base", "start", "end", "mapped", "saved", "state"]);
        facts["mappings"] = attachment["mappings"].as_array().unwrap().iter().map(mapping).collect();
        facts
    };
    segment["attachments"].as_array().unwrap().iter().map(attachment).collect()
}

fn mailbox(segment: &Value) -> Value {
    let value = &segment["content"]["value"];
    let message = match &value["message"] {
        Value::Null => Value::Null,
        message => json!({
            "length": message["length"],
            "terminated": message["terminated"],
            // Where it is not UTF-8 the bytes stand in the sister field.
            "hex": message["text_hex"].as_str().map(str::to_owned).unwrap_or_else(|| {
                message["text"].as_str().unwrap().bytes().map(|byte| format!("{byte:02x}")).collect()
            }),
        }),
    };
    json!({ "flag": value["flag"]["value"], "flag_name": value["flag"]["name"], "message": message })
}

#[test]
fn every_dump_of_testdata_is_told_as_it_was() {
    for name in names() {
        told_as_it_was(&name);
    }
}

/// Holds what is said of the dump `name` of testdata against its expected facts.
pub(crate) fn told_as_it_was(name: &str) {
    let core = Core::unpack(name);
    let expected = core.expected();
    let run = Run::of(coreinspect().arg(core.path()).arg("--json").arg("--full"));
    let document = run.document();
    let dump = &document["dumps"][0];
    let facts = ["writer", "class", "byte_order", "machine", "page_size", "file_size", "complete"];
    assert_eq!(pick(dump, &facts), pick(expected, &facts), "{name}");
    let facts = ["pid", "command", "arguments", "executable", "uid", "fault_address"];
    assert_eq!(pick(&dump["process"], &facts), pick(expected, &facts), "{name}");
    assert_eq!(dump["process"]["signal"]["number"], expected["signal"], "{name}");
    assert_eq!(dump["process"]["threads"][0], expected["first_thread"], "{name}");
    let mut threads: Vec<_> =
        dump["process"]["threads"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
    threads.sort_unstable();
    assert_eq!(json!(threads), expected["threads"], "{name}");

    // What has no name in the dump, or one that a segment has too, is told so in the expected facts.
    let lookalikes = expected["others"].as_array().into_iter().flatten();
    let lookalikes = lookalikes.filter(|other| other["named_like_a_segment"] == true).count();
    let named: Vec<_> = expected["segments"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|segment| !segment["name"].is_null())
        .collect();
    let found = dump["segments"].as_array().unwrap();
    // What is a mailbox by the expected facts is read as one; without being told, the program may not know what it is.
    let told = ["--json", "--full", "--layout", "mailbox"];
    let told = Run::of(coreinspect().arg(core.path()).args(told)).document();
    assert_eq!(found.len(), named.len() + lookalikes, "{name}");
    let status = if found.is_empty() { 1 } else { 0 };
    assert_eq!(run.status, status, "{name}: {}", run.err);
    for expected in named {
        let found = found
            .iter()
            .find(|found| found["attachments"][0]["start"] == expected["attachments"][0]["start"])
            .unwrap_or_else(|| panic!("{name}: no segment at {}", expected["attachments"][0]["start"]));
        let told = &told["dumps"][0]["segments"][found["number"].as_u64().unwrap() as usize - 1];
        let facts = ["key", "name", "private", "mapped", "saved", "state"];
        assert_eq!(pick(found, &facts), pick(expected, &facts), "{name}");
        assert_eq!(attachments(found), attachments(expected), "{name}");
        let mut expected_mailbox = pick(&expected["mailbox"], &["flag", "flag_name", "message"]);
        if let Some(message) = expected_mailbox["message"].as_object_mut() {
            message.remove("text");
        }
        assert_eq!(mailbox(told), expected_mailbox, "{name}");
        match &found["content"] {
            Value::Null => assert_eq!(found["saved"], 0, "{name}"),
            content if content["layout"].is_null() => assert_eq!(content["value"], Value::Null, "{name}"),
            content => assert_eq!(content["value"], told["content"]["value"], "{name}"),
        }
        causes_cover(name, found, expected);
        assert_eq!(saved_bytes(&core.path(), found), expected["sha256"].as_str().unwrap(), "{name}");
    }
}

/// The true cause is the one named first, or, where others may have done it, among those named; and a cause that is
/// said to be certain is true.
fn causes_cover(name: &str, found: &Value, expected: &Value) {
    let found = found["causes"].as_array().unwrap();
    let expected: Vec<_> =
        expected["causes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let codes: Vec<_> = found.iter().map(|cause| cause["code"].as_str().unwrap()).collect();
    assert_eq!(codes.first(), expected.first(), "{name}: {codes:?}, in truth {expected:?}");
    for code in &expected {
        assert!(codes.contains(code), "{name}: {codes:?}, in truth {expected:?}");
    }
    for cause in found.iter().filter(|cause| cause["certain"] == true) {
        assert!(expected.contains(&cause["code"].as_str().unwrap()), "{name}: {cause} is not certain");
    }
}

/// The digest of the saved bytes of a segment, in order of offset, as `extract` writes them.
fn saved_bytes(core: &Path, segment: &Value) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("bytes");
    let number = format!("#{}", segment["number"]);
    let run = Run::of(coreinspect().arg("extract").arg(core).arg(number).arg("-o").arg(&file));
    assert_eq!(run.status, 0, "{}", run.err);
    let bytes = fs::read(&file).unwrap();
    let holes: Value = match fs::read(scratch.path().join("bytes.json")) {
        Ok(json) => serde_json::from_slice(&json).unwrap(),
        Err(_) => json!({ "missing": [] }),
    };
    let mut saved = Vec::new();
    let mut at = 0;
    for hole in holes["missing"].as_array().unwrap() {
        let place = |name: &str| usize::try_from(hole[name].as_u64().unwrap()).unwrap();
        saved.extend_from_slice(&bytes[at..place("start")]);
        at = place("end");
        assert!(bytes[place("start")..at].iter().all(|byte| *byte == 0), "a hole with bytes in it");
    }
    saved.extend_from_slice(&bytes[at..]);
    Sha256::digest(&saved).iter().map(|byte| format!("{byte:02x}")).collect()
}
