//! The verbs, functions and completions in gdb.

use super::subject::Subject;
use super::{between, command_line, gdb, gdb_command, imitation, path, table};
use crate::program::Run;
use crate::testdata::Core;
use crate::tools::have;

/// Puts marks round what the commands print.
fn marked(core: &Core, before: &[&str], command: &str) -> Run {
    let file = format!("core-file {}", path(core));
    let mut commands = before.to_vec();
    commands.extend([file.as_str(), "echo <<<\\n", command, "echo >>>\\n"]);
    gdb(core.folder(), &[], &commands)
}

#[test]
fn shm_prints_what_the_command_line_prints() {
    if !have("gdb") {
        return;
    }
    for name in ["segv.kernel", "writer.gcore", "i386.kernel", "two-attachments.kernel", "truncated.kernel"] {
        let core = Core::unpack(name);
        let path = path(&core);
        for (command, words) in [
            ("shm list", vec![path.as_str()]),
            ("shm list --json", vec![&path, "--json"]),
            ("shm show", vec!["show", &path]),
            ("shm show #1 -v", vec!["show", &path, "#1", "-v"]),
            ("shm hex #1 --length 64", vec!["show", "--hex", &path, "#1", "--length", "64"]),
            ("shm refs", vec!["refs", &path]),
            ("shm refs #1 --limit 2", vec!["refs", &path, "#1", "--limit", "2"]),
            ("shm key 0x4e545030", vec!["key", "0x4e545030"]),
        ] {
            let run = marked(&core, &[], command);
            assert_eq!(
                between(&run, "<<<\n", ">>>\n"),
                command_line(&core, &words, None).text(),
                "{command}"
            );
        }
        let narrow = marked(&core, &["set width 60"], "shm list");
        assert_eq!(
            between(&narrow, "<<<\n", ">>>\n"),
            command_line(&core, &[&path], Some("60")).text(),
            "{name}"
        );
    }
}

#[test]
fn every_verb_of_the_table_is_a_command_with_help() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("writer.kernel");
    let help = gdb(core.folder(), &[], &["help shm"]);
    for verb in table()["verbs"].as_array().unwrap() {
        let name = verb["name"].as_str().unwrap();
        assert!(help.text().contains(&format!("\nshm {name} -- ")), "{name}: {help:?}");
        let run = gdb(core.folder(), &[], &[&format!("help shm {name}"), &format!("shm {name} --help")]);
        assert_eq!(run.text().matches(&format!("Usage: shm {name}")).count(), 2, "{run:?}");
    }
    for own in ["layout", "core"] {
        assert!(help.text().contains(&format!("\nshm {own} -- ")), "{own}: {help:?}");
    }
}

/// A binary that has learnt a verb since the plugin was printed.
#[test]
fn a_verb_added_later_is_there_without_another_plugin() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("writer.kernel");
    let mut newer = table();
    let mut row = newer["verbs"][1].clone();
    (row["name"], row["words"]) = ("news".into(), serde_json::json!(["news"]));
    newer["verbs"].as_array_mut().unwrap().push(row);
    std::fs::write(core.folder().join("verbs.json"), newer.to_string()).unwrap();
    let script = "case $1 in plugin) cat verbs.json;; *) echo \"ran $@\";; esac";
    let imitation = imitation(core.folder(), script);
    let file = format!("core-file {}", path(&core));
    let mut command = gdb_command(core.folder(), &[], &[&file, "shm news #1 --all", "complete shm new"]);
    let run = Run::of(command.env("COREINSPECT", imitation));
    assert!(run.text().contains(&format!("ran news {} #1 --all --color never\n", path(&core))), "{run:?}");
    assert!(run.text().ends_with("shm news\n"), "{run:?}");
}

#[test]
fn words_are_completed() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("two-attachments.kernel");
    let file = format!("core-file {}", path(&core));
    let key = core.key();
    let complete = |text: &str| {
        let run =
            gdb(core.folder(), &[], &[&file, "echo <<<\\n", &format!("complete {text}"), "echo >>>\\n"]);
        between(&run, "<<<\n", ">>>\n").lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("shm sh"), ["shm show"]);
    assert_eq!(complete("shm show #"), ["shm show #1"]);
    assert_eq!(complete("shm show 1"), ["shm show 1"]);
    assert_eq!(complete(&format!("shm show {}", &key[..5])), [format!("shm show {key}")]);
    assert_eq!(complete(&format!("shm extract #1 {}", &key[..5])), [format!("shm extract #1 {key}")]);
    assert_eq!(complete("shm key 0x"), [format!("shm key {key}")]);
    assert_eq!(complete("shm show --no-c"), ["shm show --no-content"]);
    assert_eq!(complete("shm show --layout mai"), ["shm show --layout mailbox"]);
    assert_eq!(complete("shm list x"), [] as [&str; 0]);
}

#[test]
fn expressions_know_segments_and_what_was_saved() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let attachment = &core.segment()["attachments"][0];
    let (base, key) = (attachment["base"].as_str().unwrap(), core.key());
    let file = format!("core-file {}", path(&core));
    let print = |expression: &str| {
        let run = gdb(core.folder(), &[], &[&file, &format!("output {expression}"), "echo \\n"]);
        run.text().lines().last().unwrap_or_default().to_owned()
            + &run.err.lines().last().unwrap_or_default().replace("warning", "")
    };
    assert!(print(&format!("$shm({key})")).starts_with(&format!("(void *) {base}")));
    assert!(print("$shm(\"#1\")").starts_with(&format!("(void *) {base}")));
    // One page was saved (its program header says so), the second and third were not; gdb shows zeroes there.
    for (offset, saved) in [(0, "1"), (4095, "1"), (4096, "0"), (12287, "0")] {
        let found = print(&format!("$shm_saved((char *) $shm({key}) + {offset})"));
        assert!(found.starts_with(saved), "{offset}: {found}");
    }
    let outside = gdb(core.folder(), &[], &[&file, "print $shm_saved(16)"]);
    assert!(outside.err.contains("0x10 lies in no segment"), "{outside:?}");
    let unknown = gdb(core.folder(), &[], &[&file, "print $shm(0x12345678)"]);
    assert!(unknown.err.contains("0x12345678 names no segment of this dump"), "{unknown:?}");
}

#[test]
fn what_gdb_shows_as_zeroes_is_told_at_load_and_by_list() {
    if !have("gdb") {
        return;
    }
    let core = Core::unpack("segv.kernel");
    let file = format!("core-file {}", path(&core));
    let run = gdb(core.folder(), &[], &[&file, "x/2xb 0x7f581b966000", "x/2xb 0x7f581b965000"]);
    let warning = format!(
        "coreinspect: gdb shows zeroes for shared memory that was not saved: 0x7f581b966000-0x7f581b968000 \
         (segment 1, key {}); `shm list` says why\n",
        core.key()
    );
    assert!(run.text().contains("0x7f581b966000:\t0x00\t0x00\n"), "gdb itself: {run:?}");
    assert!(!run.text().contains("0x7f581b965000:\t0x00\t0x00\n"), "{run:?}");
    assert_eq!(run.err.matches(&warning).count(), 1, "{run:?}");
    // The core is there before the plugin.
    let later = gdb(core.folder(), &["-c", &path(&core)], &[]);
    assert_eq!(later.err.matches(&warning).count(), 1, "{later:?}");
    let list = gdb(core.folder(), &[], &[&file, "shm list"]);
    assert_eq!(list.err.matches(&warning).count(), 2, "{list:?}");
    let explained = format!("\"Can't open file /SYSV{} (deleted) during", &core.key()[2..]);
    assert!(list.err.contains(&explained) && list.err.contains("the kernel's name"), "{list:?}");
}

/// What is saved, what has no PT_LOAD and what was cut off is no zero in gdb.
#[test]
fn nothing_is_said_where_gdb_does_not_mislead() {
    if !have("gdb") {
        return;
    }
    for name in ["writer.kernel", "writer.gcore", "nosegment.kernel", "hugetlb.gcore", "truncated.kernel"] {
        let core = Core::unpack(name);
        let run = gdb(core.folder(), &[], &[&format!("core-file {}", path(&core))]);
        assert!(
            !run.err.contains("coreinspect: ") && !run.text().contains("coreinspect: "),
            "{name}: {run:?}"
        );
        if let Some(missing) = core.segments().iter().find_map(|segment| {
            segment["attachments"][0]["mappings"][0]["missing"][0]["start"].as_str().map(str::to_owned)
        }) {
            let commands = [format!("core-file {}", path(&core)), format!("x/xb {missing}")];
            let read = gdb(core.folder(), &[], &commands.each_ref().map(String::as_str));
            assert!(read.err.contains("Cannot access memory"), "{name}: {read:?}");
        }
    }
}

/// Printed by gdb's own printer: what it prints of the same struct in its own memory, where that is saved.
#[test]
fn a_type_of_the_program_is_laid_over_bytes_of_the_dump() {
    let Some(subject) = Subject::start() else { return };
    let core = subject.core();
    let (folder, core) = (subject.folder.path(), core.to_str().unwrap());
    let at = |command: &str| gdb(folder, &["subject", "-c", core], &["echo <<<\\n", command, "echo >>>\\n"]);
    let print = |command: &str| between(&at(command), "<<<\n", ">>>\n").to_owned();
    let own = print(&format!("print *(struct queue *) {:#x}", subject.base));
    assert!(
        own.starts_with("$1 = {magic = 4276993775, count = 2, items = {{id = 1, name = \"first"),
        "{own}"
    );
    assert_eq!(print("shm layout #1 struct queue"), own);
    assert_eq!(print(&format!("shm layout {} queue", subject.key)), own);
    assert_eq!(print(&format!("print *(struct queue *) $shm({})", subject.key)), own);
    assert_eq!(print("shm layout #1 unsigned int [2]"), "$1 = {4276993775, 2}\n");
    assert_eq!(print("shm layout #1 unsigned --at 4"), "$1 = 2\n");
    // The second page is in no PT_LOAD.
    let gaps = print("shm layout #1 page_t");
    assert!(gaps.contains("count = 2") && gaps.contains("behind = <not in the dump>"), "{gaps}");
    assert!(!gaps.contains("= 99"), "{gaps}");
    // An array whose middle is missing loses no more than that.
    let log = print("shm layout #1 struct log --at 3996");
    assert!(log.contains("[0 to 7] = {{id = 100, name = \"entry\\000\\000\"}"), "{log}");
    assert!(log.contains("[8] = {\n      id = 108,\n      name = <not in the dump>\n    }"), "{log}");
    assert!(log.contains("[9 to 19] = <not in the dump>"), "{log}");
    assert!(log.contains("counts = <not in the dump>") && log.contains("high = <not in the dump>"), "{log}");
    // An address is a place.
    let inside = format!("@{:#x}", subject.base + 4);
    assert_eq!(print(&format!("shm layout {inside} unsigned")), "$1 = 2\n");
    assert_eq!(print(&format!("shm layout {inside} unsigned --at 0")), "$1 = 4276993775\n");
    for place in
        [inside.as_str(), "#1+4", "#1+0x4", &format!("{}+4", subject.key), &format!("@{:x}+4", subject.base)]
    {
        let hex = print(&format!("shm hex {place} --length 4"));
        assert!(hex.contains("00000004  02 00 00 00"), "{place}: {hex}");
        assert_eq!(print(&format!("shm layout {place} unsigned")), "$1 = 2\n", "{place}");
    }
    assert_eq!(print("complete shm layout #1 struct que"), "shm layout #1 struct queue\n");
    assert!(print("complete shm layout #1 pag").contains("shm layout #1 page_t\n"));
    for (command, complaint) in [
        ("shm layout #1 struct nosuch", "there is no type \"struct nosuch\""),
        ("shm layout #1", "give a segment and a type"),
        ("shm layout #9 int", "#9 names no segment"),
        ("shm layout #1 int --at", "--at takes an offset"),
        ("shm layout #1 int --at=-1", "--at takes an offset"),
        ("shm layout #1 int[two]", "[two] is no length of an array"),
        ("shm layout #1 int[0]", "[0] is no length of an array"),
        ("print $shm()", "give one segment"),
        ("print $shm(1, 2)", "give one segment"),
        ("print $shm(*page)", "give one segment"),
        ("print $shm(1.5)", "give one segment"),
        ("print $shm_saved()", "give one address"),
        ("print $shm_saved(*page)", "give one address"),
        ("shm layout #1 page_t --at 12000", "and the segment only 288 from offset 12000 on"),
    ] {
        let run = at(command);
        assert!(run.err.contains(complaint) && !run.err.contains("Python"), "{command}: {run:?}");
    }
}
