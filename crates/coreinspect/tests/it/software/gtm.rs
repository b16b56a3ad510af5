//! GT.M, from which YottaDB comes, held against what its database editor says.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::tools::missing;

use super::stage::{Stage, Staged, segments};

/// The folder of Debian's fis-gtm; as `have` of a program.
fn installation() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib/x86_64-linux-gnu/fis-gtm").into_iter().flatten();
    let found = folders.map(|entry| entry.unwrap().path()).find(|folder| folder.join("mumps").exists());
    if found.is_none() {
        missing("fis-gtm");
    }
    found
}

/// The number behind `label` in what `dse` prints.
fn number(text: &str, label: &str) -> u64 {
    let behind = text.split_once(label).unwrap_or_else(|| panic!("no {label} in {text}")).1;
    behind.split_whitespace().next().unwrap().parse().unwrap()
}

/// All that `command` prints, fed with `input`: GT.M's programs tell much on standard error.
fn fed(command: &mut Command, input: &str) -> Vec<u8> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    [output.stdout, output.stderr].concat()
}

#[test]
fn dse_says_the_same_of_the_database() {
    let Some(stage) = Stage::with(&["nsenter"]) else { return };
    let Some(gtm) = installation() else { return };
    let folder = stage.folder().canonicalize().unwrap();
    let database = folder.join("accounts.dat");
    let program = |name: &str| gtm.join(name).to_str().unwrap().to_owned();
    let environment = |command: &mut Command| {
        command.env("gtm_dist", &gtm).env("gtmgbldir", folder.join("accounts.gld"));
        command.env("gtm_tmp", &folder).env("gtm_log", &folder);
        command.env("gtmroutines", format!("{} {}", folder.display(), program("libgtmutil.so")));
    };
    let run = |mut command: Command, input: &str| {
        environment(&mut command);
        String::from_utf8(fed(&mut command, input)).unwrap()
    };

    let mut command = stage.command(&program("mumps"));
    command.args(["-run", "GDE"]);
    let sizes = "-block_size=1024 -allocation=100 -global_buffer_count=128";
    run(command, &format!("change -segment DEFAULT {sizes} -file={}\nexit\n", database.display()));
    let mut command = stage.command(&program("mupip"));
    command.arg("create");
    run(command, "");

    let mut command = stage.command(&program("mumps"));
    environment(command.arg("-direct"));
    command.env("TERM", "dumb");
    let mut running = Staged::start(&stage, &mut command);
    writeln!(running.input.as_mut().unwrap(), "set ^balance(1)=100\nwrite !,\"ready\",!").unwrap();
    running.wait_for("ready");

    let mut command = stage.beside(&running, &program("dse"));
    environment(&mut command);
    let said = run(command, "dump -fileheader\nexit\n");
    let dump = running.gcore();
    let segments = segments(&dump, &[]);
    assert_eq!((segments.len(), &segments[0]["private"]), (1, &json!(true)));
    let content = &segments[0]["content"];
    assert_eq!((&content["layout"], &content["confidence"]), (&json!("yottadb"), &json!("certain")));
    let value = &content["value"];
    assert_eq!(value["fname"], database.to_str().unwrap());
    assert!(value["now_running"].as_str().unwrap().starts_with("GT.M V"), "{value}");
    assert_eq!(value["machine_name"], super::hostname());
    let header = &value["file_header"];
    assert_eq!(header["blk_size"], number(&said, "Block size (in bytes)"));
    assert_eq!(header["n_bts"], number(&said, "Global Buffers"));
    assert_eq!(header["max_rec_size"], number(&said, "Maximum record size"));
    assert_eq!(header["max_key_size"], number(&said, "Maximum key size"));
    assert_eq!(header["extension_size"], number(&said, "Extension Count"));
    assert_eq!(header["acc_meth"]["name"], "BG");
    assert!(said.contains("Access method                                  BG"), "{said}");
}
