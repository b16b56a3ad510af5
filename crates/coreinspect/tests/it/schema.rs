//! The schema names every field that the program prints, and nothing that it does not. (`.ci/end-to-end` validates real
//! documents against it with another's validator.)

use std::collections::BTreeSet;

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
