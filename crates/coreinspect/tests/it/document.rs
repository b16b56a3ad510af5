//! The shape of the JSON contract `coreinspect/1`, for every dump of testdata: each field is there, and of its type.

use std::fs;

use serde_json::Value;

use crate::program::{Run, coreinspect};
use crate::testdata::{self, Core};

/// What a value must be.
enum Shape {
    Object(&'static [(&'static str, Shape)]),
    List(&'static Shape),
    /// The shape, or null: what is not known.
    Known(&'static Shape),
    /// `"0x..."`, lower case, not padded.
    Address,
    /// `"0x"` and 8 digits.
    Key,
    Text,
    Number,
    SignedNumber,
    Bool,
    OneOf(&'static [&'static str]),
    Is(&'static str),
}

use Shape::{Address, Bool, Is, Key, Known, List, Number, Object, OneOf, SignedNumber, Text};

const STATE: Shape = OneOf(&["whole", "partial", "absent", "cut-off"]);
const REASON: Shape = OneOf(&["not-saved", "cut-off", "not-readable"]);

const DOCUMENT: Shape = Object(&[("schema", Is("coreinspect/1")), ("dumps", List(&DUMP))]);

const DUMP: Shape = Object(&[
    ("path", Text),
    ("kind", Known(&OneOf(&["elf-core", "process", "minidump"]))),
    ("writer", Known(&Text)),
    ("machine", Known(&Text)),
    ("class", Known(&Number)),
    ("byte_order", Known(&OneOf(&["little", "big"]))),
    ("page_size", Known(&Number)),
    ("file_size", Known(&Number)),
    ("complete", Known(&Bool)),
    ("process", PROCESS),
    ("fault", Known(&FAULT)),
    ("segments", List(&SEGMENT)),
    ("warnings", List(&Object(&[("code", Text), ("message", Text)]))),
    ("error", Known(&Object(&[("code", Text), ("message", Text), ("offset", Known(&Number))]))),
]);

const PROCESS: Shape = Object(&[
    ("pid", Known(&Number)),
    ("command", Known(&Text)),
    ("executable", Known(&Text)),
    ("arguments", Known(&Text)),
    ("uid", Known(&Number)),
    ("signal", Known(&Object(&[("number", Number), ("name", Known(&Text))]))),
    ("fault_address", Known(&Address)),
    ("threads", List(&Number)),
    ("thread_states", List(&THREAD)),
]);

const THREAD: Shape = Object(&[
    ("id", Known(&Number)),
    ("name", Known(&Text)),
    ("signal", Known(&Object(&[("number", Number), ("name", Known(&Text))]))),
    ("stack_pointer", Known(&Address)),
    ("program_counter", Known(&Address)),
    ("registers", Known(&Object(&[]))),
]);

const FAULT: Shape = Object(&[
    ("address", Address),
    ("access", Known(&OneOf(&["write", "execute"]))),
    ("forbidden_by", Known(&OneOf(&["attach", "mprotect"]))),
    ("segment", Known(&Number)),
    ("key", Known(&Text)),
    ("relation", OneOf(&["inside", "past-end", "before-start", "unmapped", "elsewhere"])),
    ("offset", Known(&Number)),
    ("message", Text),
]);

const SEGMENT: Shape = Object(&[
    ("number", Number),
    ("kind", Known(&OneOf(&["sysv", "posix", "memfd", "anonymous", "hugetlbfs", "file"]))),
    ("key", Known(&Key)),
    ("key_t", Known(&SignedNumber)),
    ("name", Known(&Text)),
    ("private", Known(&Bool)),
    ("found_by", OneOf(&["name", "device", "content", "sidecar"])),
    ("key_parts", Known(&KEY_PARTS)),
    ("shmid", Known(&Number)),
    ("size", Known(&Number)),
    ("owner", Known(&Number)),
    ("perms", Known(&Text)),
    ("nattch", Known(&Number)),
    ("cpid", Known(&Number)),
    ("lpid", Known(&Number)),
    ("mapped", Number),
    ("saved", Number),
    ("state", STATE),
    ("attachments", List(&ATTACHMENT)),
    ("content", Known(&CONTENT)),
    ("causes", List(&CAUSE)),
]);

const KEY_PARTS: Shape = Object(&[
    ("project_id", Address),
    ("project_char", Known(&Text)),
    ("device_low", Address),
    ("inode_low", Address),
]);

const ATTACHMENT: Shape = Object(&[
    ("base", Address),
    ("start", Address),
    ("end", Address),
    ("mapped", Number),
    ("saved", Number),
    ("state", STATE),
    ("mappings", List(&MAPPING)),
]);

const MAPPING: Shape = Object(&[
    ("start", Address),
    ("end", Address),
    ("offset", Number),
    ("permissions", Known(&Text)),
    ("saved", Number),
    (
        "missing",
        List(&Object(&[("start", Address), ("end", Address), ("offset", Number), ("reason", REASON)])),
    ),
]);

const CAUSE: Shape = Object(&[
    (
        "code",
        OneOf(&[
            "read-only-attach",
            "filter-shared",
            "filter-mapped",
            "hugetlb",
            "dontdump",
            "truncated",
            "dumper-skipped",
            "unknown",
        ]),
    ),
    ("certain", Bool),
    ("evidence", Text),
    ("fix", Text),
]);

const CONTENT: Shape = Object(&[
    ("layout", Known(&Is("mailbox"))),
    ("confidence", OneOf(&["certain", "likely", "forced", "none"])),
    ("reasons", List(&Text)),
    ("attachment", Known(&Address)),
    ("value", Known(&Object(&[("flag", Known(&FLAG)), ("message", Known(&MESSAGE))]))),
    ("unavailable", List(&Object(&[("path", Text), ("start", Number), ("end", Number), ("reason", Text)]))),
]);

const FLAG: Shape = Object(&[("value", Number), ("name", Known(&OneOf(&["empty", "ready", "read"])))]);
const MESSAGE: Shape = Object(&[("text", Text), ("length", Number), ("terminated", Bool)]);

/// The places where `value` is not of the shape.
fn complaints(value: &Value, shape: &Shape, place: &str) -> Vec<String> {
    let fits = match shape {
        Object(fields) if value.is_object() => {
            let field = |(name, shape): &(&str, Shape)| match value.get(name) {
                Some(value) => complaints(value, shape, &format!("{place}.{name}")),
                None => vec![format!("{place}.{name} is left out")],
            };
            return fields.iter().flat_map(field).collect();
        }
        List(shape) if value.is_array() => {
            let items = value.as_array().unwrap().iter().enumerate();
            return items.flat_map(|(at, item)| complaints(item, shape, &format!("{place}[{at}]"))).collect();
        }
        Object(_) | List(_) => false,
        Known(_) if value.is_null() => true,
        Known(shape) => return complaints(value, shape, place),
        Address => {
            value.as_str().is_some_and(|text| hex(text).is_some_and(|hex| format!("{hex:#x}") == text))
        }
        Key => value.as_str().is_some_and(|text| hex(text).is_some_and(|hex| format!("0x{hex:08x}") == text)),
        Text => value.is_string(),
        Number => value.is_u64(),
        SignedNumber => value.is_i64(),
        Bool => value.is_boolean(),
        OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        Is(word) => value == word,
    };
    if fits { vec![] } else { vec![format!("{place} is {value}")] }
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[test]
fn every_field_is_there_and_of_its_type() {
    for name in testdata::names() {
        let core = Core::unpack(&name);
        let run = |arguments: &[&str]| Run::of(coreinspect().args(arguments).current_dir(core.folder()));
        for arguments in
            [&["core", "--json"] as &[_], &["core", "--json", "--no-content"], &["show", "core", "--json"]]
        {
            let document = run(arguments).document();
            assert_eq!(complaints(&document, &DOCUMENT, "it"), Vec::<String>::new(), "{name} {arguments:?}");
            for segment in document["dumps"][0]["segments"].as_array().unwrap() {
                assert!(!arguments.contains(&"--no-content") || segment["content"].is_null());
            }
        }
        let line = run(&["core", "--format", "jsonl"]).document();
        assert_eq!(complaints(&line, &DUMP, "it"), Vec::<String>::new(), "{name}");
    }
}

/// What cannot be read has every field too; what is unknown of it is null.
#[test]
fn the_document_of_an_error_has_every_field() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("text"), "no dump\n").unwrap();
    for path in ["text", "missing", "."] {
        let run = Run::of(coreinspect().args(["--json", path]).current_dir(folder.path())).ended(2);
        assert_eq!(complaints(&run.document(), &DOCUMENT, "it"), Vec::<String>::new(), "{path}");
        assert!(run.document()["dumps"][0]["process"]["pid"].is_null());
    }
}

/// A sister `..._hex` stands beside text that is not UTF-8, and beside no other.
#[test]
fn only_text_that_is_not_utf_8_is_given_as_hex_too() {
    for (name, binary) in [("binary.kernel", true), ("negative-key.kernel", false)] {
        let core = Core::unpack(name);
        let document =
            Run::of(coreinspect().args(["--json", "--layout", "mailbox"]).arg(core.path())).document();
        let message = &document["dumps"][0]["segments"][0]["content"]["value"]["message"];
        assert_eq!(message.get("text_hex").is_some(), binary, "{message}");
        let expected = &core.segment()["mailbox"]["message"];
        match binary {
            true => assert_eq!(message["text_hex"], expected["hex"]),
            false => assert_eq!(message["text"], expected["text"]),
        }
    }
}

/// Takes each field of `value` away in turn, and hands what is left of the whole to `check`.
fn without_each_field(whole: &Value, place: &str, check: &mut dyn FnMut(&Value, &str)) {
    let value = whole.pointer(place).unwrap();
    let inner: Vec<String> = match value {
        Value::Object(fields) => fields.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|at| at.to_string()).collect(),
        _ => return,
    };
    for name in inner {
        let field = format!("{place}/{name}");
        if value.is_object() {
            let mut less = whole.clone();
            less.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(&name);
            check(&less, &field);
        }
        without_each_field(whole, &field, check);
    }
}

#[test]
fn a_field_that_is_left_out_is_seen() {
    let core = Core::unpack("segv.kernel");
    let document = Run::of(coreinspect().arg("--json").arg(core.path())).document();
    let mut unseen = vec![];
    without_each_field(&document, "", &mut |less, field| {
        if complaints(less, &DOCUMENT, "it").is_empty() {
            unseen.push(field.to_owned());
        }
    });
    // Fields beyond the contract: it is extended by adding.
    const ADDED: [&str; 22] = [
        "handler",
        "may_be",
        "found_reasons",
        "attached",
        "detached",
        "changed",
        "removed",
        "posix_mappings",
        "named_mappings",
        "findings",
        "limits",
        "look",
        "content/offset",
        "pointers",
        "runners_up",
        "fault/from",
        "foreign",
        "locks",
        "filled",
        "fills",
        "filled_from",
        "filled_with",
    ];
    unseen.retain(|field| !ADDED.iter().any(|name| field.ends_with(&format!("/{name}"))));
    assert_eq!(unseen, Vec::<String>::new());
    for (wrong, shape) in
        [("\"0x0A\"", &Address), ("\"0x00a\"", &Address), ("\"0xa\"", &Key), ("-1", &Number)]
    {
        assert_eq!(complaints(&serde_json::from_str(wrong).unwrap(), shape, "it").len(), 1, "{wrong}");
    }
}
