//! The verbs in lldb.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::subject::Subject;
use super::{between, command_line, debugger, imitation, lldb, path, plugin, table};
use crate::program::{Run, absent};
use crate::testdata::Core;
use crate::tools::have;

#[test]
fn shm_prints_what_the_command_line_prints() {
    if !have("lldb") {
        return;
    }
    for name in ["segv.kernel", "writer.gcore", "two-attachments.kernel"] {
        let core = Core::unpack(name);
        let path = path(&core);
        let calls = [
            ("shm list", vec![path.as_str()]),
            ("shm list --json", vec![&path, "--json"]),
            ("shm show #1", vec!["show", &path, "#1"]),
            ("shm hex #1 --length 64", vec!["show", "--hex", &path, "#1", "--length", "64"]),
            ("shm key 0x4e545030", vec!["key", "0x4e545030"]),
        ];
        let create = format!("target create --core {path}");
        let commands: Vec<_> = [create.as_str()].into_iter().chain(calls.iter().map(|call| call.0)).collect();
        let run = lldb(core.folder(), &commands);
        for (command, words) in calls {
            let (_, rest) = run.text().split_once(&format!("(lldb) {command}\n")).unwrap();
            let printed = rest.split("(lldb) ").next().unwrap();
            // lldb off a terminal is 80 columns wide.
            assert_eq!(printed, command_line(&core, &words, Some("80")).text(), "{command}");
        }
    }
}

#[test]
fn every_verb_of_the_table_is_a_command_with_help() {
    if !have("lldb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let help = lldb(folder.path(), &["help shm"]);
    for verb in table()["verbs"].as_array().unwrap() {
        let name = verb["name"].as_str().unwrap();
        assert!(
            help.lines().iter().any(|line| line.trim_start().starts_with(&format!("{name} "))),
            "{help:?}"
        );
        let run = lldb(folder.path(), &[&format!("help shm {name}"), &format!("shm {name} --help")]);
        assert_eq!(run.text().matches(&format!("Usage: shm {name}")).count(), 2, "{run:?}");
    }
}

#[test]
fn a_type_of_the_program_is_laid_over_bytes_of_the_dump() {
    if !have("lldb") {
        return;
    }
    let Some(subject) = Subject::start() else { return };
    let core = subject.core();
    let create = format!("target create subject --core {}", core.display());
    let run = |command: &str| lldb(subject.folder.path(), &[&create, command]);
    let queue = run("shm layout #1 struct queue");
    for part in
        ["(queue) {", "magic = 4276993775", "name = \"second\"", "weight = 2.5", "flags = 5", "rest = 7"]
    {
        assert!(queue.text().contains(part), "{part}: {queue:?}");
    }
    assert!(queue.text().contains(&format!("self = 0x{:016x}", subject.base)), "{queue:?}");
    let page = run("shm layout #1 page_t");
    assert!(
        page.text().contains("count = 2") && page.text().contains("behind = <not in the dump>"),
        "{page:?}"
    );
    assert!(!page.text().contains("= 99"), "{page:?}");
    let array = run(&format!("shm layout {} unsigned int[2]", subject.key));
    assert!(array.text().contains("[0] = 4276993775\n  [1] = 2\n"), "{array:?}");
    let nosuch = run("shm layout #1 struct nosuch");
    assert!(nosuch.err.contains("there is no type \"struct nosuch\""), "{nosuch:?}");
}

#[test]
fn what_is_debugged_may_be_nothing_or_alive() {
    if !have("lldb") {
        return;
    }
    let Some(subject) = Subject::start() else { return };
    let nothing = lldb(subject.folder.path(), &["shm list"]);
    assert_eq!(nothing.err, "error: there is neither a core nor a process: `target create --core FILE`\n");
    let attach = format!("process attach -p {}", subject.pid());
    let alive = lldb(subject.folder.path(), &[&attach, "shm list", "detach"]);
    assert!(!alive.err.contains("Traceback"), "{alive:?}");
    let base = format!("{:#x}", subject.base);
    assert!(
        alive.lines().iter().any(|line| line.contains(&subject.key) && line.contains(&base)),
        "{alive:?}"
    );
    let core = Core::unpack("segv.kernel");
    let other = lldb(core.folder(), &[&format!("shm core {}", path(&core)), "shm show #1"]);
    assert!(other.text().contains("look, but do not touch"), "{other:?}");
}

/// What lldb cannot know is said to be unknown.
#[test]
fn after_the_end_and_behind_a_server_lldb_says_what_it_cannot_know() {
    if !have("lldb") || !have("gdbserver") {
        return;
    }
    let Some(subject) = Subject::start() else { return };
    // gdbserver tells no names of memory.
    let mut server = Command::new("gdbserver");
    server.args(["--once", "--attach", "localhost:0", &subject.pid()]);
    let mut server =
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
    let port = told.find_map(|line| Some(line.strip_prefix("Listening on port ")?.to_owned()));
    let remote =
        lldb(subject.folder.path(), &[&format!("gdb-remote {}", port.unwrap_or_default()), "shm list"]);
    let _ = server.kill();
    let _ = server.wait();
    assert!(remote.err.contains("behind a server that this lldb did not start"), "{remote:?}");
    assert!(remote.err.contains("lldb does not tell the names of memory here"), "{remote:?}");
    assert!(!remote.err.contains("none has the name"), "{remote:?}");

    let ended = lldb(subject.folder.path(), &["target create ./subject", "process launch -- ", "shm list"]);
    assert!(ended.err.contains("has ended, or lldb has let it go"), "{ended:?}");
    assert!(!ended.err.contains("not of this machine"), "{ended:?}");
}

/// A core that was named is for what lldb looked at then.
#[test]
fn a_named_core_ends_with_the_process_it_was_said_for() {
    if !have("lldb") {
        return;
    }
    let [first, second] = ["segv.kernel", "readonly.kernel"].map(Core::unpack);
    let create = format!("target create --core {}", path(&first));
    let name = format!("shm core {}", path(&second));
    let run = lldb(
        first.folder(),
        &[&name, "shm show #1", &create, "shm core", "shm layout @0x7f581b965001 char[4]"],
    );
    assert!(run.text().contains("readonly, page 0"), "{run:?}");
    assert_eq!(between(&run, "(lldb) shm core\n", "(lldb)"), format!("{}\n", path(&first)), "{run:?}");
    assert!(run.text().contains("(char[4]) \"look\""), "an address is a place: {run:?}");
}

#[test]
fn wrong_words_get_a_sentence() {
    if !have("lldb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let create = format!("target create --core {}", path(&core));
    for (command, complaint) in [
        ("shm show \"#1", "No closing quotation"),
        ("shm layout #1 char[x]", "[x] is no length of an array"),
        ("shm layout #1 char --at", "--at takes an offset"),
        ("shm timeout soon", "give a number of seconds"),
    ] {
        let run = lldb(core.folder(), &[&create, command]);
        assert!(run.err.contains(complaint) && !run.err.contains("plugin: "), "{command}: {run:?}");
    }
}

#[test]
fn a_missing_or_older_binary_is_told_without_a_traceback() {
    if !have("lldb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let old = imitation(core.folder(), "echo \"coreinspect: unexpected argument $1\" >&2; exit 2");
    let gone = absent().join("coreinspect").display().to_string();
    let cannot_run = format!("cannot run {gone}: No such file");
    for (binary, told) in
        [(gone.as_str(), cannot_run.as_str()), (old.to_str().unwrap(), "is older than this plugin")]
    {
        let mut lldb = debugger("lldb", core.folder());
        let import = format!("command script import {}", plugin("lldb", core.folder()).display());
        let create = format!("target create --core {}", path(&core));
        lldb.args(["--no-lldbinit", "-b", "-o", &import, "-o", &create, "-o", "shm list"]);
        let run = Run::of(lldb.env("COREINSPECT", binary));
        let all = format!("{}{}", run.text(), run.err);
        assert!(all.contains(told) && !all.contains("Traceback"), "{run:?}");
    }
}

/// lldb itself says nothing of the name of the region, and reads nothing that was not saved.
#[test]
fn what_lldb_does_not_say_list_says() {
    if !have("lldb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let create = format!("target create --core {}", path(&core));
    let commands = [create.as_str(), "memory region 0x7f581b966000", "shm list"];
    let run = lldb(core.folder(), &commands);
    assert!(!between(&run, "memory region", "(lldb) shm list").contains("SYSV"), "{run:?}");
    assert!(run.text().contains(core.key()), "{run:?}");
    let read = lldb(core.folder(), &[&create, "memory read -c 1 0x7f581b966000"]);
    assert!(read.err.contains("failed"), "{read:?}");
}

#[test]
fn a_verb_added_later_is_there_after_the_first_verb() {
    if !have("lldb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let mut newer = table();
    let mut row = newer["verbs"][1].clone();
    (row["name"], row["words"]) = ("news".into(), serde_json::json!(["news"]));
    newer["verbs"].as_array_mut().unwrap().push(row);
    std::fs::write(core.folder().join("verbs.json"), newer.to_string()).unwrap();
    let script = "case $1 in plugin) cat verbs.json;; *) echo \"ran $@\";; esac";
    let mut lldb = debugger("lldb", core.folder());
    let import = format!("command script import {}", plugin("lldb", core.folder()).display());
    let create = format!("target create --core {}", path(&core));
    lldb.args(["--no-lldbinit", "-b", "-o", &import, "-o", &create, "-o", "shm list", "-o", "shm news #1"]);
    let run = Run::of(lldb.env("COREINSPECT", imitation(core.folder(), script)));
    assert!(run.text().contains(&format!("ran news {} #1 --color never\n", path(&core))), "{run:?}");
}

/// lldb completes the words behind `shm` itself.
#[test]
fn verbs_are_completed() {
    if !have("lldb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "script m = lldb.SBStringList(); \
                  lldb.debugger.GetCommandInterpreter().HandleCompletion('shm ex', 6, 0, -1, m); \
                  print('completed', [m.GetStringAtIndex(i) for i in range(m.GetSize())])";
    let run = lldb(folder.path(), &[script]);
    assert!(run.text().contains("completed ['tract ', 'extract']"), "{run:?}");
}
