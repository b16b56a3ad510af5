//! LinuxCNC's HAL, held against what halcmd shows.

use std::path::Path;

use serde_json::{Value, json};

use super::stage::{Stage, Staged, content};
use crate::tools::{have, output};

/// Where `.ci/install-tools` unpacks the few files of linuxcnc-uspace that are needed; else it is installed.
const UNPACKED: &str = "/opt/coreinspect-tests/linuxcnc-uspace/usr";

fn tool() -> Option<(String, String)> {
    let unpacked = Path::new(UNPACKED).join("bin/halcmd");
    if unpacked.exists() {
        return Some((unpacked.to_str().unwrap().to_owned(), format!("{UNPACKED}/lib")));
    }
    have("halcmd").then(|| ("halcmd".to_owned(), "/usr/lib".to_owned()))
}

/// Rows of `halcmd -s show WHAT`: words.
fn shown(stage: &Stage, running: &Staged<'_>, halcmd: &str, libraries: &str, what: &str) -> Vec<Vec<String>> {
    let mut command = stage.beside(running, halcmd);
    let text = output(command.args(["-s", "show", what]).env("LD_LIBRARY_PATH", libraries));
    let rows = text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    rows.filter(|words| !words.is_empty()).collect()
}

/// A value as halcmd writes it: `FALSE`, `4.25`, `77`.
fn written(value: &Value, kind: &str) -> String {
    match kind {
        "bit" => if value == 1 { "TRUE" } else { "FALSE" }.to_owned(),
        // halcmd writes no `.0`, and seven digits.
        "float" => value.as_f64().unwrap().to_string(),
        _ => value.to_string(),
    }
}

#[test]
fn halcmd_shows_the_same_pins() {
    let Some(stage) = Stage::with(&["gcc", "nsenter"]) else { return };
    let Some((halcmd, libraries)) = tool() else { return };
    let library = format!("{libraries}/liblinuxcnchal.so.0");
    stage.compile("gcc", "linuxcnc_hal.c", "hal", &[&library]);
    let mut command = stage.command("./hal");
    let running = Staged::until_ready(&stage, command.env("LD_LIBRARY_PATH", &libraries));
    let shown = |what| shown(&stage, &running, &halcmd, &libraries, what);
    let (pins, signals, parameters) = (shown("pin"), shown("sig"), shown("param"));
    let content = content(&running.gcore(), "0x48414c32");
    assert_eq!((&content["layout"], &content["confidence"]), (&json!("linuxcnc-hal"), &json!("certain")));
    let value = &content["value"];
    assert_eq!(value["version"], 16);
    assert_eq!(value["components"]["spindle"]["pid"], running.pid());
    assert_eq!(value["pins"]["spindle.0.speed"]["signal"], "spindle-speed");
    assert_eq!(value["pins"]["spindle.0.speed"]["owner"], "spindle");

    // Rows of halcmd: `OWNER TYPE DIR VALUE NAME`, `TYPE VALUE NAME`.
    for (what, rows, directed, count) in
        [("pins", pins, true, 504), ("parameters", parameters, true, 1), ("signals", signals, false, 501)]
    {
        let mut told: Vec<Vec<String>> = vec![];
        for (name, item) in value[what].as_object().unwrap() {
            let word = |field: &str| item[field]["name"].as_str().unwrap().to_owned();
            let mut words = vec![word("type")];
            words.extend(directed.then(|| word("dir").replace("IO", "I/O")));
            words.push(written(&item["value"], &word("type")));
            words.push(name.clone());
            told.push(words);
        }
        let mut said: Vec<_> =
            rows.iter().map(|row| if directed { row[1..5].to_vec() } else { row[..3].to_vec() }).collect();
        told.sort();
        said.sort();
        assert_eq!((told.len(), told), (count, said), "{what}");
    }

    // A reader's core has the first page, where the lists begin: what they lead to is missing, not nothing.
    stage.compile("gcc", "reader.c", "reader", &["-std=gnu2x"]);
    let mut command = stage.beside(&running, "prlimit");
    command.args(["--core=unlimited", "./reader", "0x48414c32"]);
    let Some(dump) = Staged::until_ready(&stage, &mut command).abort() else { return };
    let content = super::stage::content(&dump, "0x48414c32");
    assert_eq!((&content["layout"], &content["confidence"]), (&json!("linuxcnc-hal"), &json!("likely")));
    assert_eq!((&content["value"]["version"], &content["value"]["pins"]["next"]), (&json!(16), &Value::Null));
    let unavailable = content["unavailable"].as_array().unwrap();
    assert!(unavailable.iter().any(|part| part["path"] == "pins.next"), "{unavailable:?}");
}
