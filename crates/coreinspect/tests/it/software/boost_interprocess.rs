//! Boost.Interprocess's managed_xsi_shared_memory, held against its own numbers and names.

use serde_json::{Value, json};

use super::stage::{Stage, Staged, content};

/// The names of the lines that begin with `what`.
fn names<'a>(said: &'a [String], what: &str) -> Vec<&'a str> {
    let mut names: Vec<_> =
        said.iter().filter_map(|line| line.strip_prefix(what)?.strip_prefix(' ')).collect();
    names.sort_unstable();
    names
}

#[test]
fn boost_finds_the_same_objects() {
    let Some(stage) = Stage::with(&["g++"]) else { return };
    if !super::have_header("boost/interprocess/managed_xsi_shared_memory.hpp") {
        return;
    }
    stage.compile("g++", "boost_interprocess.cpp", "boost", &["-lrt", "-pthread"]);
    let mut command = stage.command("./boost");
    let running = Staged::until_ready(&stage, command.arg("boost"));
    let number = |what: &str| -> u64 {
        let line = running.said.iter().find_map(|line| line.strip_prefix(what));
        line.unwrap().trim().parse().unwrap()
    };
    let key = running.said[0].strip_prefix("key ").unwrap().to_owned();
    let content = content(&running.gcore(), &key);
    assert_eq!(
        (&content["layout"], &content["confidence"]),
        (&json!("boost-interprocess"), &json!("certain"))
    );
    let value = &content["value"];
    assert_eq!(value["state"], json!({ "value": 2, "name": "ready" }));
    // The segment manager stands behind the state, aligned: 16 bytes.
    assert_eq!(value["size"], number("size ") - 16);

    for what in ["named", "unique"] {
        let objects = value[what].as_object().unwrap();
        let mut told: Vec<_> = objects.values().map(|object| object["name"].as_str().unwrap()).collect();
        told.sort_unstable();
        assert_eq!(told, names(&running.said, what));
    }
    assert_eq!(value["named"]["answer"]["value"], "2a000000");
    assert_eq!(value["named"]["counter 19"]["value"], "fb03000000000000");
    assert_eq!(value["named"]["ratios"]["value"], "0000000000000440".repeat(3));
    assert_eq!(value["named"]["counter 3"], Value::Null, "it was destroyed");
}
