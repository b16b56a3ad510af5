//! The schema names every field that the program prints, and nothing that it does not; and a public validator agrees.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{Run, coreinspect};
use crate::testdata::{self, Core};

/// The schema that `coreinspect schema` prints.
fn schema() -> Value {
    Run::of(coreinspect().arg("schema")).document()
}

/// Collects the path of every field in `value` that `schema` does not name, or requires and does not find.
fn differences(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/$defs/").unwrap();
        return differences(root, &root["$defs"][name], value, path, found);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        // One of the choices is null, the other what it is if it is known.
        let wanted = choices.iter().find(|choice| value.is_null() == (choice["type"] == "null")).unwrap();
        return differences(root, wanted, value, path, found);
    }
    match value {
        Value::Object(fields) if schema["properties"].is_object() => {
            let properties = schema["properties"].as_object().unwrap();
            for (name, value) in fields {
                match properties.get(name) {
                    Some(schema) => differences(root, schema, value, &format!("{path}.{name}"), found),
                    None => drop(found.insert(format!("{path}.{name} is not in the schema"))),
                }
            }
            for name in schema["required"].as_array().unwrap() {
                let name = name.as_str().unwrap();
                if !fields.contains_key(name) {
                    found.insert(format!("{path}.{name} is missing"));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                differences(root, &schema["items"], item, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_field_is_in_the_schema() {
    let schema = schema();
    for name in testdata::names() {
        let core = Core::unpack(&name);
        let document = Run::of(coreinspect().arg("--json").arg(core.path())).document();
        let mut found = BTreeSet::new();
        for dump in document["dumps"].as_array().unwrap() {
            differences(&schema, &schema["$defs"]["dump"], dump, "", &mut found);
        }
        assert_eq!(found, BTreeSet::new(), "{name}");
    }
}

#[test]
fn every_field_of_dump_and_collect_is_in_the_schema() {
    let schema = schema();
    let folder = tempfile::tempdir().unwrap();
    let segment = crate::live::segment::Segment::of_pages(1);
    let Some(subject) = crate::live::subject::Subject::start(&[segment.attach()]) else { return };
    let (pid, cores) = (subject.pid().to_string(), folder.path().join("cores"));
    for (name, arguments) in [
        ("written_core", ["dump", &pid, "--json"].as_slice()),
        ("collected", &["collect", "--pid", "4194304", "--json", "--output-dir", cores.to_str().unwrap()]),
    ] {
        let mut command = coreinspect();
        let document = Run::fed(command.args(arguments).current_dir(&folder), b"core").document();
        let mut found = BTreeSet::new();
        differences(&schema, &schema["$defs"][name], &document, "", &mut found);
        assert_eq!(found, BTreeSet::new(), "{name}");
    }
}

/// Holds a sidecar, or the note of a core of ours, to the schema of both.
pub(crate) fn is_what_the_schema_says(name: &str, document: &Value) {
    let schema = Run::of(coreinspect().args(["schema", "--sidecar"])).document();
    let mut found = BTreeSet::new();
    differences(&schema, &schema["$defs"][name], document, "", &mut found);
    assert_eq!(found, BTreeSet::new(), "{document}");
    let Some(mut python) = validator() else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/sidecar-1.json");
    let run = Run::fed(python.arg(path), &serde_json::to_vec(&[document]).unwrap());
    assert_eq!((run.status, run.text()), (0, "1 documents\n"), "{document}");
}

#[test]
fn every_field_of_the_note_of_a_dump_is_in_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let segment = crate::live::segment::Segment::of_pages(3);
    let Some(subject) = crate::live::subject::Subject::start(&[segment.attach()]) else { return };
    let run =
        Run::of(coreinspect().args(["dump", &subject.pid().to_string(), "-o", "core"]).current_dir(&folder));
    run.ended(0);
    let bytes = std::fs::read(folder.path().join("core")).unwrap();
    let start = b"{\"format\":\"coreinspect-segments/1\"";
    let at = bytes.windows(start.len()).position(|window| window == start).unwrap();
    let note = serde_json::Deserializer::from_slice(&bytes[at..]).into_iter().next().unwrap().unwrap();
    is_what_the_schema_says("note", &note);
    assert_eq!(note["segments"][0]["shmid"], segment.shmid());
}

#[test]
fn every_field_of_layouts_is_in_the_schema() {
    let schema = schema();
    for (name, arguments) in [
        ("layouts", &[] as &[_]),
        ("layout_definition", &["show", "u8 a; u32 b : 3; cstr s"]),
        ("layout_check", &["check", "/etc/passwd", "/nowhere"]),
    ] {
        let document = Run::of(coreinspect().arg("layouts").args(arguments).arg("--json")).document();
        let mut found = BTreeSet::new();
        differences(&schema, &schema["$defs"][name], &document, "", &mut found);
        assert_eq!(found, BTreeSet::new(), "{name}");
    }
}

#[test]
fn every_field_of_what_dumps_share_is_in_the_schema() {
    let schema = schema();
    let [core, other] = ["segv.kernel", "writer.kernel"].map(Core::unpack);
    let document =
        Run::of(coreinspect().arg("--json").args([core.path(), other.path(), core.path()])).document();
    let mut found = BTreeSet::new();
    differences(&schema, &schema["anyOf"][0], &document, "", &mut found);
    assert_eq!(found, BTreeSet::new());
    assert_eq!(document["shared"].as_array().map(Vec::len), Some(1));
}

#[test]
fn every_field_of_search_and_diff_is_in_the_schema() {
    let schema = schema();
    let [core, other] = ["segv.kernel", "rw-and-readonly.kernel"].map(Core::unpack);
    let (core, other) = (core.path(), other.path());
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    for (name, arguments) in [
        ("search", vec!["search".to_owned(), path(&core), "all".to_owned(), "look".to_owned()]),
        ("diff", vec!["diff".to_owned(), path(&core), path(&other)]),
        ("key", ["key", "0x7800c028"].map(str::to_owned).to_vec()),
        ("key", ["key", "--path", "/"].map(str::to_owned).to_vec()),
        ("key", ["key", "0x7800c028", "--from", &path(&core)].map(str::to_owned).to_vec()),
        ("diff", ["diff", &path(&core), &path(&other), "--pair", "#1=#1"].map(str::to_owned).to_vec()),
    ] {
        let document = Run::of(coreinspect().args(&arguments).arg("--json")).document();
        let mut found = BTreeSet::new();
        differences(&schema, &schema["$defs"][name], &document, "", &mut found);
        assert_eq!(found, BTreeSet::new(), "{arguments:?}");
    }
}

/// Holds a document to the schema's definition of this name.
pub(crate) fn is_in_the_schema(name: &str, document: &Value) {
    let schema = schema();
    let mut found = BTreeSet::new();
    differences(&schema, &schema["$defs"][name], document, "", &mut found);
    assert_eq!(found, BTreeSet::new(), "{document:#}");
}

#[test]
fn every_field_of_refs_is_in_the_schema() {
    let schema = schema();
    for name in testdata::names() {
        let core = Core::unpack(&name);
        let document = Run::of(coreinspect().arg("refs").arg("--json").arg(core.path())).document();
        let mut found = BTreeSet::new();
        differences(&schema, &schema["$defs"]["refs"], &document, "", &mut found);
        assert_eq!(found, BTreeSet::new(), "{name}");
    }
}

/// Validates standard input, a JSON array, item by item; prints what is wrong and with which.
const VALIDATE: &str = "
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
documents = json.load(sys.stdin)
for number, document in enumerate(documents):
    for error in validator.iter_errors(document):
        print(number, list(error.absolute_path), error.message)
print(len(documents), 'documents')
";

/// Another's validator (python3-jsonschema), which wants the path of a schema; `None` if it is not there.
fn validator() -> Option<Command> {
    // Debian's: another python3 in PATH need not have the module.
    let python = "/usr/bin/python3";
    let import = Command::new(python).args(["-c", "import jsonschema"]).output();
    if !import.is_ok_and(|import| import.status.success()) {
        let required = std::env::var("COREINSPECT_REQUIRE_TOOLS").as_deref() == Ok("1");
        assert!(!required, "python3-jsonschema is required and missing");
        println!("skipped: python3-jsonschema is not installed");
        return None;
    }
    let mut validator = Command::new(python);
    validator.args(["-W", "ignore", "-c", VALIDATE]);
    Some(validator)
}

/// It accepts what is printed of every real dump, and of what is none.
#[test]
fn a_public_validator_accepts_every_document() {
    let Some(mut validator) = validator() else { return };
    let mut documents = vec![];
    for name in testdata::names() {
        let core = Core::unpack(&name);
        for arguments in [
            &["--json", "core"] as &[_],
            &["--format", "jsonl", "core"],
            &["show", "core", "--json", "--full"],
            &["core", "core", "--json"],
            &["search", "core", "all", "u8:1", "--json", "--limit", "5"],
            &["diff", "core", "core", "--json"],
            &["refs", "core", "--json"],
            &["locks", "core", "--json"],
        ] {
            documents.push(Run::of(coreinspect().args(arguments).current_dir(core.folder())).document());
        }
    }
    for arguments in
        [&["--json", "/nowhere"] as &[_], &["--json", "/etc/passwd"], &["--format", "jsonl", "/"]]
    {
        documents.push(Run::of(coreinspect().args(arguments)).document());
    }
    for arguments in
        [&[] as &[_], &["show", "u8 a; u32 b : 3; cstr s"], &["check", "/etc/passwd", "/nowhere"]]
    {
        documents.push(Run::of(coreinspect().arg("layouts").args(arguments).arg("--json")).document());
    }
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/coreinspect-1.json");
    let run = Run::fed(validator.arg(schema), &serde_json::to_vec(&documents).unwrap());
    assert_eq!((run.status, run.text()), (0, format!("{} documents\n", documents.len()).as_str()), "{run:?}");
}
