//! The prompt, fed by flags, files and pipes. What a command prints there is what the command line prints.

mod terminal;
mod transcript;

use std::fs;
use std::process::Command;

use coreinspect::cli::{Takes, verbs};

use crate::program::{Run, coreinspect};
use crate::testdata::Core;
use crate::tools::have;

/// `coreinspect shell core` in the folder of `core`.
fn shell(core: &Core, arguments: &[&str]) -> Command {
    let mut command = coreinspect();
    command.args(["shell", "core"]).args(arguments).current_dir(core.folder());
    command
}

/// The run of `lines`, each by a `-e`.
fn execute(core: &Core, lines: &[&str]) -> Run {
    let arguments: Vec<_> = lines.iter().flat_map(|line| ["-e", line]).collect();
    Run::of(&mut shell(core, &arguments))
}

fn command_line(core: &Core, arguments: &[&str]) -> Run {
    Run::of(coreinspect().args(arguments).current_dir(core.folder()))
}

#[test]
fn a_line_is_the_command_line_with_the_dump_in_it() {
    let core = Core::unpack("lookalikes.kernel");
    for (line, arguments) in [
        ("list", &["core"] as &[_]),
        ("list --columns key,state --no-header", &["core", "--columns", "key,state", "--no-header"]),
        ("show", &["show", "core"]),
        ("show #2", &["show", "core", "#2"]),
        ("show '#2' #1 # both", &["show", "core", "#2", "#1"]),
        ("show 0x4f1d0021 --json", &["show", "core", "0x4f1d0021", "--json"]),
        ("hex #1 --at 0x10 --length 32", &["show", "core", "#1", "--hex", "--at", "0x10", "--length", "32"]),
        ("key 0x4e545030", &["key", "0x4e545030"]),
        ("list -v --bytes", &["core", "-v", "--bytes"]),
        ("show --no-such-flag", &["show", "core", "--no-such-flag"]),
        ("show 0x99", &["show", "core", "0x99"]),
        ("list --expect 'flag=ready message~nothing'", &["core", "--expect", "flag=ready message~nothing"]),
    ] {
        assert_eq!(execute(&core, &[line]), command_line(&core, arguments), "{line}");
    }
    // The examples of the help texts are lines, too.
    for verb in verbs().filter(|verb| verb.command.takes.a_dump() && verb.command.takes != Takes::Dumps) {
        for example in verb.examples("") {
            let run = execute(&core, &[&example]);
            let understood =
                !run.err.contains("there is no command") && !run.err.contains("see `coreinspect");
            assert!(understood, "{example}: {run:?}");
        }
    }
}

#[test]
fn an_odd_name_of_a_dump_is_a_name() {
    let core = Core::unpack("writer.kernel");
    for name in ["show", "-x", "a b", "#1", "it's"] {
        fs::copy(core.path(), core.folder().join(name)).unwrap();
        for line in ["list --json", "show #1 --json"] {
            let mut shell = coreinspect();
            shell.args(["shell", "-e", line, &format!("--core={name}")]).current_dir(core.folder());
            let document = Run::of(&mut shell).ended(0).document();
            assert_eq!(document["dumps"][0]["segments"][0]["key"], core.key(), "{name}");
        }
    }
}

#[test]
fn the_program_may_stand_before_the_dump() {
    let core = Core::unpack("writer.kernel");
    let program = std::env::current_exe().unwrap();
    for line in ["list", "show #1"] {
        let mut shell = coreinspect();
        shell.arg("shell").arg(&program).args(["core", "-e", line]).current_dir(core.folder());
        let run = Run::of(&mut shell).ended(0);
        assert!(run.text().contains(core.key()), "{run:?}");
        // It is not the program of this dump.
        assert!(run.err.contains("types and symbols of it may be wrong"), "{run:?}");
    }
}

#[test]
fn a_segment_that_was_named_is_the_one_of_the_commands_that_name_none() {
    let core = Core::unpack("lookalikes.kernel");
    let second = command_line(&core, &["show", "core", "#2"]).ended(0);
    let hex = command_line(&core, &["show", "core", "#2", "--hex"]).ended(0);
    let all = command_line(&core, &["show", "core"]).ended(0);
    let key = command_line(&core, &["key", "0x4f1d0021"]).ended(0);
    for (lines, expected) in [
        (&["#2", "hex"] as &[_], vec![&hex]),
        (&["0x4f1d0021", "hex"], vec![&hex]),
        (&["show #2", "hex"], vec![&second, &hex]),
        (&["hex 0x4f1d0021", "show"], vec![&hex, &second]),
        (&["show #2", "all", "show"], vec![&second, &all]),
        (&["#1", "#2", "key"], vec![&key]),
        (&["show #2", "key 0x4f1d0021", "show"], vec![&second, &key, &second]),
        (&["show"], vec![&all]),
    ] {
        let expected: String = expected.into_iter().map(Run::text).collect();
        assert_eq!(execute(&core, lines).ended(0).text(), expected, "{lines:?}");
    }
    // What names no segment is not remembered, and does not make forget.
    let run = execute(&core, &["#2", "#9", "show #9", "show"]);
    assert_eq!((run.status, run.text()), (2, second.text()), "{run:?}");
    let run = execute(&core, &["#2", "extract -o bytes"]);
    assert_eq!(run.status, 0, "{run:?}");
    let bytes = fs::read(core.folder().join("bytes")).unwrap();
    assert!(bytes.windows(12).any(|window| window == b"the real one"));
}

#[test]
fn lines_are_piped_and_redirected_by_sh() {
    if !have("jq") {
        return;
    }
    let core = Core::unpack("writer.kernel");
    let run = execute(&core, &["show #1 --json | jq -r '.dumps[0].segments[0] | .key' | tr x y"]).ended(0);
    assert_eq!(run.text().trim_end(), core.key().replace('x', "y"));
    let run = execute(&core, &["list > 'a file'", "list>>'a file'", "!cat 'a file'"]).ended(0);
    let list = command_line(&core, &["core"]).ended(0);
    assert_eq!(run.text(), format!("{0}{0}", list.text()));
    // A reader that has seen enough is no failure.
    execute(&core, &["list --json | true", "help | head -1", "extract #1 -o - | head -c 1"]).ended(0);
    let run = execute(&core, &["list | sh -c 'exit 1'"]);
    assert_eq!(run.status, 1, "{run:?}");
    let run = execute(&core, &["show #9 | cat"]);
    assert_eq!(run.status, 2, "a pipe hides a failure: {run:?}");
    assert!(!core.folder().join("2").exists());
    for line in ["list 2> file", "list |", "| cat", "list 'a", "quit | cat", "!"] {
        execute(&core, &[line]).ended(2);
    }
}

#[test]
fn the_worst_status_wins_and_nothing_ends_a_script_but_quit() {
    let core = Core::unpack("writer.kernel");
    let no = "list --expect flag=empty";
    for (lines, status) in [
        (&["list", "!true", "# nothing", ""] as &[_], 0),
        (&[no, "list"], 1),
        (&["!false"], 1),
        (&["!exit 7"], 2),
        (&["!kill -9 $$"], 2),
        (&["nonsense", no, "!echo last"], 2),
        (&["show #1 nonsense", "!echo last"], 2),
        (&["quit", "nonsense"], 0),
        (&[no, "exit", "nonsense"], 1),
    ] {
        let run = execute(&core, lines);
        assert_eq!(run.status, status, "{lines:?}: {run:?}");
        assert_eq!(run.text().contains("last"), lines.contains(&"!echo last"), "{run:?}");
    }
}

#[test]
fn scripts_run_in_the_order_in_which_they_stand() {
    let core = Core::unpack("writer.kernel");
    fs::write(core.folder().join("one"), "!echo one\n# a comment\n\n!echo two").unwrap();
    fs::write(core.folder().join("end"), "!echo five\nquit\n!echo never\n").unwrap();
    let arguments =
        ["-e", "!echo zero", "-x", "one", "-e", "!echo three", "-e", "!echo four", "-x", "end", "-e", "x"];
    let run = Run::of(&mut shell(&core, &arguments)).ended(0);
    assert_eq!(run.lines(), ["zero", "one", "two", "three", "four", "five"]);
    let run = Run::of(&mut shell(&core, &["-x", "missing"])).ended(2);
    assert!(run.err.contains("missing"), "{run:?}");
}

/// No prompt, no greeting, and what runs cannot read the lines.
#[test]
fn a_pipe_is_a_script() {
    let core = Core::unpack("writer.kernel");
    let run = Run::fed(&mut shell(&core, &[]), b"!cat\nlist\n#1\nshow | cat\n!echo end").ended(0);
    let list = command_line(&core, &["core"]).ended(0);
    let show = command_line(&core, &["show", "core", "#1"]).ended(0);
    assert_eq!(run.text(), format!("{}{}end\n", list.text(), show.text()));
    assert!(run.err.is_empty(), "{run:?}");
    assert_eq!(Run::fed(&mut shell(&core, &[]), b"").ended(0).text(), "");
    let coloured = Run::fed(&mut shell(&core, &["--color", "always"]), b"list");
    assert!(coloured.text().contains('\x1b'), "{coloured:?}");
    Run::fed(&mut shell(&core, &[]), b"list\n\xff\xfe\n").ended(2);
}

#[test]
fn a_dump_that_changes_is_read_anew_and_that_is_told() {
    let core = Core::unpack("lookalikes.kernel");
    let other = Core::unpack("writer.kernel");
    let replace = format!("!cp {} core.new && mv core.new core", other.path().display());
    let run = execute(&core, &["list -q", "#2", &replace, "list -q", "show"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.err.contains("core has changed since it was read"), "{run:?}");
    assert_eq!(run.err.lines().count(), 1, "once is enough: {run:?}");
    // The second segment was one of the old dump.
    assert!(run.text().ends_with(command_line(&other, &["show", "core"]).text()), "{run:?}");
    let run = execute(&other, &["!rm core", "list"]);
    assert_eq!(run.status, 2, "{run:?}");
}

#[test]
fn what_cannot_be_talked_about_is_refused() {
    let core = Core::unpack("writer.kernel");
    fs::write(core.folder().join("text"), "no dump").unwrap();
    for arguments in [
        &["shell"] as &[_],
        &["shell", "-"],
        &["shell", "text"],
        &["shell", "missing"],
        &["shell", "core", "core"],
        &["shell", "core", "--json", "-e", "list"],
    ] {
        Run::of(coreinspect().args(arguments).current_dir(core.folder())).ended(2);
    }
    let none = Core::unpack("nosegment.kernel");
    assert_eq!(execute(&none, &["list"]), command_line(&none, &["core"]).ended(1));
}

#[test]
fn help_names_every_verb() {
    let core = Core::unpack("writer.kernel");
    let help = execute(&core, &["help"]).ended(0);
    for verb in verbs() {
        let line = help.lines().into_iter().find(|line| line.split_whitespace().next() == Some(verb.name));
        assert!(line.is_some_and(|line| line.contains(&verb.about())), "{}: {help:?}", verb.name);
        let own = execute(&core, &[&format!("help {}", verb.name)]).ended(0);
        assert!(own.text().contains("Usage: ") && own.text().contains("Examples:"), "{own:?}");
    }
    let run = execute(&core, &["frobnicate", "help frobnicate"]);
    assert_eq!(
        run.err.lines().filter(|line| line.contains("frobnicate") && line.contains("`help`")).count(),
        2
    );
}
