//! What people type first: `help`, a command that is misspelt, a process id, a folder, the name of a layout.

use std::fs;

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

fn refused(words: &[&str]) -> String {
    let run = Run::of(coreinspect().args(words).current_dir("/")).ended(2);
    assert!(run.out.is_empty(), "wrong usage prints no document: {run:?}");
    assert_eq!(run.err.lines().count(), 1, "{run:?}");
    run.err
}

#[test]
fn help_is_what_the_flag_says() {
    let commands: &[&[&str]] = &[&[], &["show"], &["layouts", "check"], &["help"]];
    for command in commands {
        let word = Run::of(coreinspect().arg("help").args(*command)).ended(0);
        let flag = Run::of(coreinspect().args(*command).arg("--help")).ended(0);
        assert_eq!(word, flag, "{command:?}");
    }
    assert!(refused(&["help", "shwo"]).contains("did you mean `coreinspect show DUMP"));
    assert!(refused(&["help", "nothing-like-it"]).contains("`coreinspect help` lists the commands"));
}

#[test]
fn a_misspelt_command_is_no_dump() {
    for (word, meant) in [
        ("shwo", "coreinspect show DUMP"),
        ("exract", "coreinspect extract DUMP"),
        ("lsit", "coreinspect DUMP"),
        ("version", "coreinspect --version"),
        ("hexdump", "coreinspect show DUMP --hex"),
    ] {
        let message = refused(&[word, "core"]);
        assert!(message.contains(&format!("did you mean `{meant}")), "{message}");
    }
    // A file of that name is a dump, or told what it is.
    let core = Core::unpack("writer.kernel");
    let shwo = core.folder().join("shwo");
    fs::copy(core.path(), &shwo).unwrap();
    Run::of(coreinspect().arg("shwo").current_dir(core.folder())).ended(0);
    let unlike = Run::of(coreinspect().args(["--json", "core.4711"]).current_dir("/")).ended(2);
    assert_eq!(unlike.document()["dumps"][0]["error"]["code"], "open");
}

#[test]
fn a_number_that_is_no_file_may_be_a_process() {
    let pid = std::process::id().to_string();
    for command in [&[][..], &["show"], &["refs"]] {
        let run = Run::of(coreinspect().args(command).arg(&pid).current_dir("/")).ended(2);
        let hint = format!("no such file, but process {pid} runs: `coreinspect live {pid}`");
        assert!(run.err.contains(&hint), "{run:?}");
    }
    // Above the highest pid that Linux gives (PID_MAX_LIMIT, 4194304).
    let run = Run::of(coreinspect().arg("4194305").current_dir("/")).ended(2);
    assert!(run.err.contains("no process 4194305 runs"), "{run:?}");
}

#[test]
fn a_folder_is_the_dumps_in_it() {
    let core = Core::unpack("writer.kernel");
    let other = Core::unpack("segv.kernel");
    let folder = core.folder();
    let names = ["a.core", "b.core", "c.core.gz", "log.gz", "notes.txt"];
    for (name, bytes) in names.iter().zip([
        core.bytes(),
        other.bytes(),
        packed(&core.bytes()),
        packed(b"a log"),
        b"?".to_vec(),
    ]) {
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::remove_file(core.path()).unwrap();
    fs::create_dir(folder.join("deeper")).unwrap();
    let run = |path: &str| Run::of(coreinspect().args(["--json", path]).current_dir(folder)).ended(0);
    let all = run(".").document();
    let paths: Vec<_> =
        all["dumps"].as_array().unwrap().iter().map(|dump| dump["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["./a.core", "./b.core", "./c.core.gz"]);
    let alone = run("b.core").document();
    assert_eq!(all["dumps"][1]["segments"], alone["dumps"][0]["segments"]);
    // One dump must be named where a command is about one.
    let show = Run::of(coreinspect().args(["show", "."]).current_dir(folder)).ended(2);
    assert!(
        show.err.contains("a directory with 3 dumps (a.core, b.core, c.core.gz); name one of them"),
        "{show:?}"
    );
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_layout_is_shown_by_its_name_alone() {
    let run = |words: &[&str]| Run::of(coreinspect().args(words)).ended(0);
    assert_eq!(run(&["layouts", "mailbox"]), run(&["layouts", "show", "mailbox"]));
    assert!(refused(&["layouts", "mailbx"]).contains("did you mean mailbox?"));
}
