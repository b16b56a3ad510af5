//! Perl's IPC::ShareLite and IPC::Shareable, held against what they read themselves.

use std::process::Command;

use serde_json::{Value, json};

use crate::tools::missing;

use super::stage::{Stage, Staged, content};

/// Whether perl has `module`; as `have` of a program.
fn have_module(module: &str) -> bool {
    let found = Command::new("perl").args([&format!("-M{module}"), "-e", "1"]).output();
    found.is_ok_and(|output| output.status.success()) || missing(&format!("perl's {module}"))
}

fn script(name: &str) -> String {
    format!("{}/tests/it/software/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn parsed(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn ipc_sharelite_reads_the_same() {
    let Some(stage) = Stage::with(&["perl"]) else { return };
    if !have_module("IPC::ShareLite") {
        return;
    }
    let mut command = stage.command("perl");
    let running = Staged::until_ready(&stage, command.arg(script("ipc_sharelite.pl")));
    let said = parsed(&running.said);
    let gcore = running.gcore();
    let dumps = [Some(gcore), running.abort()];
    for dump in dumps.into_iter().flatten() {
        for (key, said) in [("0x5a17e001", &said[0]), ("0x5a17e101", &said[1])] {
            let content = content(&dump, key);
            assert_eq!(
                (&content["layout"], &content["confidence"]),
                (&json!("ipc-sharelite"), &json!("likely"))
            );
            let value = &content["value"];
            assert_eq!(value["length"], said["length"]);
            assert_eq!(value["version"], said["version"]);
            assert_eq!(value["next_shmid"] == -1, said["segments"] == 1, "{value}");
            let data = value["data"].as_str().unwrap();
            assert!(data.starts_with(said["start"].as_str().unwrap()), "{data}");
            let in_this = said["length"].as_u64().unwrap().min(4096 - 16);
            assert_eq!(data.len() as u64, in_this);
        }
        // The segments that it goes on in hold a length of 0, and the rest.
        let last = content(&dump, "0x5a17e003");
        assert_eq!(last["layout"], "ipc-sharelite");
        assert_eq!((&last["value"]["next_shmid"], &last["value"]["length"]), (&json!(-1), &json!(0)));
    }
}

/// It attaches a segment only while it reads or writes: the program attaches them itself, to be dumped with them.
#[test]
fn ipc_shareable_thaws_the_same() {
    let Some(stage) = Stage::with(&["perl"]) else { return };
    if !have_module("IPC::Shareable") {
        return;
    }
    let mut command = stage.command("perl");
    let running = Staged::until_ready(&stage, command.arg(script("ipc_shareable.pl")));
    let (child, said) = (&running.said[0], parsed(&running.said[1..]));
    let dump = running.gcore();

    let content = |key| content(&dump, key);
    let hash = content("0x5a17e011");
    assert_eq!((&hash["layout"], &hash["confidence"]), (&json!("ipc-shareable"), &json!("certain")));
    let mut value = hash["value"]["value"].clone();
    let list = value["list"].take();
    assert_eq!(list, json!({ "tied": "array", "key": child }));
    value["list"] = content(child)["value"]["value"].clone();
    assert_eq!(value, said[0]);
    assert_eq!(content("0x5a17e012")["value"]["value"], said[1]);
    assert_eq!(content("0x5a17e013")["value"]["value"], said[2]);

    // With its JSON serializer version 1.13 writes no tag: any JSON looks so, and only the user can know.
    assert_eq!(content("0x5a17e014")["confidence"], "none");
    let forced = super::stage::content_with(&dump, "0x5a17e014", &["--layout", "ipc-shareable"]);
    assert_eq!((&forced["confidence"], &forced["value"]["value"]), (&json!("forced"), &said[3]));
}
