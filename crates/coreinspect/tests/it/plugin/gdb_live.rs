//! What gdb debugs changes: other cores, several inferiors, living processes, gdbserver, nothing.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::subject::Subject;
use super::{gdb, path};
use crate::testdata::Core;
use crate::tools::{have, output};

#[test]
fn the_core_is_that_of_the_inferior_at_the_time() {
    if !have("gdb") {
        return;
    }
    let [first, second, third] = ["segv.kernel", "writer.kernel", "readonly.kernel"].map(Core::unpack);
    let file = |core: &Core| format!("core-file {}", path(core));
    let files = [file(&first), file(&second), file(&third)];
    let commands = [
        "shm core",
        &files[0],
        "shm core",
        &files[1],
        "shm core",
        "core-file",
        "shm core",
        &files[0],
        "add-inferior",
        "inferior 2",
        "shm core",
        &files[2],
        "shm core",
        "inferior 1",
        "shm core",
        &format!("shm core {}", path(&second)),
        "shm core",
        "shm core -",
        // It ends with the core that it was said for, and with the inferior.
        &format!("shm core {}", path(&second)),
        &files[2],
        "shm core",
        "inferior 2",
        "shm core",
    ];
    let run = gdb(first.folder(), &[], &commands);
    let cores: Vec<_> = run.lines().into_iter().filter(|line| line.ends_with("/core")).collect();
    let [first, second, third] = [path(&first), path(&second), path(&third)];
    let named = [&second, &second, &first, &second, &third, &third];
    assert_eq!(cores, [[&first, &second, &third, &first].as_slice(), &named].concat(), "{run:?}");
    assert_eq!(run.err.matches("has neither a core nor a process").count(), 3, "{run:?}");
    assert!(!run.err.contains("Traceback"), "{run:?}");
    assert_eq!(run.err.matches("gdb shows zeroes").count(), 4, "once a load of a core with gaps: {run:?}");
}

#[test]
fn without_a_core_every_verb_says_so() {
    if !have("gdb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for command in
        ["shm list", "shm show", "shm hex #1", "shm extract #1", "shm layout #1 int", "print $shm(1)"]
    {
        let run = gdb(folder.path(), &[], &[command]);
        assert_eq!(run.err, "inferior 1 has neither a core nor a process: `core-file FILE`\n", "{command}");
        assert_eq!(run.status, 1, "{command}");
    }
    let key = gdb(folder.path(), &[], &["shm key 0x4e545030"]);
    assert!(key.status == 0 && key.text().contains("NTP"), "{key:?}");
}

#[test]
fn a_living_process_is_told_apart_from_a_core() {
    let Some(subject) = Subject::start() else { return };
    let pid = subject.pid();
    let base = format!("{:#x}", subject.base);
    let print = format!("print $shm({})", subject.key);
    let select = format!("@{base}");
    let show = format!("shm show {select}");
    let layout = format!("shm layout {select} unsigned char[4]");
    let by_number = ["print $shm(\"#1\")", "print $shm(\"#2\")"];
    let commands = [&["shm list", &show, &layout, &print], by_number.as_slice()].concat();
    let run = gdb(subject.folder.path(), &["-p", &pid], &commands);
    assert!(run.lines().iter().any(|line| line.contains(&subject.key) && line.contains(&base)), "{run:?}");
    assert!(run.text().contains(&format!("attached at {base}")), "{run:?}");
    // It stands still, and nobody else attaches its segment: nothing can be torn.
    assert!(!run.err.contains("warning: "), "{run:?}");
    assert_eq!(run.text().matches(&format!("(void *) {base}")).count(), 2, "{run:?}");
    assert!(run.err.contains("#2 names no segment of this dump"), "{run:?}");
}

/// A core that `shm core` names is not the memory that gdb reads.
#[test]
fn what_gdb_shows_is_said_of_its_own_core_alone() {
    if !have("gdb") {
        return;
    }
    let [own, named] = ["segv.kernel", "readonly.kernel"].map(Core::unpack);
    let files = [format!("core-file {}", path(&own)), format!("shm core {}", path(&named))];
    let run = gdb(own.folder(), &[], &[&files[0], &files[1], "shm list", "print $shm(\"#1\")"]);
    assert_eq!(run.err.matches("gdb shows zeroes").count(), 1, "when its own was loaded: {run:?}");
    assert!(run.text().contains(&format!("(void *) {}", base(&own))), "gdb's memory: {run:?}");
    assert!(run.err.contains("which `shm core` named, and not what gdb looks at"), "{run:?}");
    // gdb reads no core at all: "Cannot access memory" is what it says.
    let nothing = gdb(own.folder(), &[], &[&files[1], "shm list"]);
    assert!(!nothing.err.contains("gdb shows zeroes"), "{nothing:?}");
}

/// Something else gives gdb the bytes: here a program with a section where the segment was.
#[test]
fn gdb_is_asked_what_it_shows() {
    if ["gdb", "gcc"].iter().any(|tool| !have(tool)) {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let source =
        "static char other[8192] __attribute__((section(\".other\"))) = \"bytes\"; char *main = other;";
    std::fs::write(core.folder().join("other.c"), source).unwrap();
    let second_page = int(base(&core)) + 4096;
    let place = format!("-Wl,--section-start=.other={second_page:#x}");
    let mut gcc = Command::new("gcc");
    gcc.args(["-w", "-c", "other.c"]).current_dir(core.folder());
    output(&mut gcc);
    let mut link = Command::new("ld");
    link.args(["-o", "other", "other.o", place.trim_start_matches("-Wl,"), "--no-warnings", "-e", "0"]);
    output(link.current_dir(core.folder()));
    let file = format!("core-file {}", path(&core));
    let read = format!("x/s {second_page:#x}");
    let run = gdb(core.folder(), &["other"], &[&file, &read, "shm list"]);
    assert!(run.text().contains("\"bytes\""), "gdb itself: {run:?}");
    assert!(!run.err.contains("gdb shows zeroes"), "{run:?}");
}

fn base(core: &Core) -> String {
    core.segment()["attachments"][0]["base"].as_str().unwrap().to_owned()
}

fn int(address: String) -> u64 {
    u64::from_str_radix(address.trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn behind_gdbserver_what_can_be_known_is_told() {
    if !have("gdb") || !have("gdbserver") {
        return;
    }
    let Some(subject) = Subject::start() else { return };
    let mut server = Command::new("gdbserver");
    server.args(["--once", "--attach", "localhost:0", &subject.pid()]);
    let mut server =
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let told = BufReader::new(server.stderr.take().unwrap()).lines();
    let port =
        told.map_while(Result::ok).find_map(|line| Some(line.strip_prefix("Listening on port ")?.to_owned()));
    let Some(port) = port else {
        let _ = server.kill();
        let _ = server.wait();
        panic!("gdbserver does not listen")
    };
    let print = format!("print $shm({})", subject.key);
    let remote = format!("target remote localhost:{port}");
    let run = gdb(subject.folder.path(), &["subject"], &[&remote, "shm list", &print, "detach"]);
    let _ = server.kill();
    let _ = server.wait();
    assert!(run.err.contains("behind target remote"), "{run:?}");
    assert!(run.err.contains(&format!("{}  {:#x}-", subject.key, subject.base)), "{run:?}");
    assert!(run.text().contains(&format!("(void *) {:#x}", subject.base)), "{run:?}");
}
