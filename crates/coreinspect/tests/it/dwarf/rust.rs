//! Types of Rust, held against what the program itself says of them.

use coreinspect::internals::debug_files::debug_information::DebugInformation;

use super::process::{Dumped, compile, leaves};
use super::{by_path, no_folders};

/// What the program put there, by the path of our value. A niche's number is the compiler's choice and not compared.
const EXPECTED: &[(&str, &str)] = &[
    ("flag", "1"),
    ("letter", "8364"),
    ("small", "-3"),
    ("byte", "200"),
    ("negative", "-5"),
    ("size", "77"),
    ("real", "0.125"),
    ("array[0]", "97"),
    ("array[3]", "100"),
    ("grid[1][1]", "-4"),
    ("tuple.__0", "4"),
    ("tuple.__1", "5000000"),
    ("text.length", "4"),
    ("slice.length", "3"),
    ("color", "Some(\"Blue\")"),
    ("first.variant", "Some(\"Nothing\")"),
    ("second.variant", "Some(\"Number\")"),
    ("second.Number.__0", "123456"),
    ("third.variant", "Some(\"Pair\")"),
    ("third.Pair.left", "-7"),
    ("third.Pair.right", "-8000000000"),
    ("leaf.variant", "Some(\"Leaf\")"),
    ("node.variant", "Some(\"Node\")"),
    ("node.Node.__0", "6"),
    ("node.Node.__1[1]", "8"),
    ("some.variant", "Some(\"Some\")"),
    ("some.Some.__0", "9"),
    ("none.variant", "Some(\"None\")"),
    ("reference.variant", "Some(\"Some\")"),
    ("null.variant", "Some(\"None\")"),
    ("number.variant", "Some(\"Some\")"),
    ("boxed.variant", "Some(\"None\")"),
    ("nested.variant", "Some(\"Some\")"),
    ("nested.Some.__0.variant", "Some(\"None\")"),
    ("result.variant", "Some(\"Err\")"),
    ("result.Err.__0", "11"),
    ("generic.first", "12"),
    ("generic.second", "Some(\"Green\")"),
    ("bits.integer", "1065353216"),
    ("bits.real", "1.0"),
];

#[test]
fn rust_is_as_the_program_says() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--edition=2024", "-Cdebuginfo=2", "--crate-name=sample"];
    let Some(program) = compile(folder.path(), "rustc", &arguments, "sample.rs") else { return };
    let Some(dumped) = Dumped::of(&program, |line| line == "ready") else { return };
    let layout = DebugInformation::new("sample::shop::Everything", None, no_folders());
    let decoded = dumped.decode(&layout).unwrap();
    assert_eq!(decoded.value.offsets.length().to_string(), dumped.said[1]);
    let said = by_path(&leaves(&decoded));
    let named = named(&decoded);
    for (path, value) in EXPECTED {
        let ours = named.get(*path).cloned().or_else(|| said.get(*path).map(|(_, value)| value.clone()));
        assert_eq!(ours.as_deref(), Some(*value), "{path} of {said:#?}");
    }
    // Where the program says that its fields are.
    let mut places = 0;
    for line in &dumped.said[2..dumped.said.len() - 1] {
        let (field, offset) = line.split_once(' ').unwrap();
        let coreinspect::types::value::Kind::Struct(members) = &decoded.value.kind else { unreachable!() };
        let member = members.iter().find(|member| &*member.name == field).unwrap();
        assert_eq!(member.value.offsets.start().get().to_string(), offset, "{field}");
        places += 1;
    }
    assert_eq!(places, 30);
    // Names as short as they stay clear.
    for name in ["Everything", "shop::Everything", "struct Everything"] {
        let short = DebugInformation::new(name, None, no_folders());
        assert_eq!(dumped.decode(&short).unwrap().value, decoded.value, "{name}");
    }
}

/// The names of values that have some, by path.
fn named(decoded: &coreinspect::types::decode::Decoded) -> std::collections::BTreeMap<String, String> {
    use coreinspect::types::value::{Kind, Value};
    fn walk(path: &str, value: &Value, found: &mut std::collections::BTreeMap<String, String>) {
        match &value.kind {
            Kind::Struct(members) => {
                for member in members {
                    let dot = if path.is_empty() { "" } else { "." };
                    walk(&format!("{path}{dot}{}", member.name), &member.value, found);
                }
            }
            Kind::Named(_, name) => {
                found.insert(path.to_owned(), format!("{name:?}"));
            }
            _ => {}
        }
    }
    let mut found = std::collections::BTreeMap::new();
    walk("", &decoded.value, &mut found);
    found
}
