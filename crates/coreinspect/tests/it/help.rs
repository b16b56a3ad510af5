//! The help, its examples, and the version.

use std::fs;
use std::process::{Command, Stdio};

use crate::program::{Run, coreinspect};
use crate::testdata::Core;
use crate::tools::have;

/// The commands: no word is the main job.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["show"],
    &["extract"],
    &["search"],
    &["diff"],
    &["key"],
    &["layouts"],
    &["shell"],
    &["help"],
    &["map"],
];

/// The key and the message that the examples speak of, in place of those of a real dump.
fn core_of_the_examples() -> Core {
    let core = Core::unpack("writer.kernel");
    let mut bytes = core.bytes();
    for (old, new) in [
        (b"/SYSV7700e067 (deleted)".as_slice(), b"/SYSV7800c028 (deleted)".as_slice()),
        (b"\x01Order 4711: two coffees\0\0\0\0\0", b"\x01Hello from writer process!\0\0"),
    ] {
        assert_eq!(old.len(), new.len());
        let at: Vec<_> = bytes.windows(old.len()).enumerate().filter(|(_, window)| *window == old).collect();
        let [(at, _)] = at[..] else { panic!("{} places", at.len()) };
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    fs::write(core.path(), bytes).unwrap();
    core
}

/// The examples of a help text: each a command line, and what is said of it behind two spaces or more.
fn examples(help: &str) -> Vec<&str> {
    let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("no examples: {help}"));
    let examples = examples.lines().map_while(|line| line.strip_prefix("  ")).filter(|line| !line.is_empty());
    examples.map(|line| line.split("  ").next().unwrap()).collect()
}

/// `head` may end before `xxd` does, and so end it: SIGPIPE, 141, is no failure of an example.
const EACH_STATUS: &str = r#"for s in "${PIPESTATUS[@]}"; do [ $s = 0 ] || [ $s = 141 ] || exit $s; done"#;

#[test]
fn every_command_has_three_examples_that_run() {
    if ["bash", "jq", "xxd"].iter().any(|tool| !have(tool)) {
        return;
    }
    for command in COMMANDS {
        let help = Run::of(coreinspect().args(*command).arg("--help")).ended(0);
        let examples = examples(help.text());
        assert_eq!(examples.len(), 3, "{command:?}: {examples:?}");
        let core = core_of_the_examples();
        for example in examples {
            assert!(example.starts_with("coreinspect "), "{example}");
            assert_eq!(
                example.split_whitespace().nth(1) == command.first().copied(),
                !command.is_empty(),
                "{example}"
            );
            let program = std::path::Path::new(env!("CARGO_BIN_EXE_coreinspect")).parent().unwrap();
            let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
            let mut bash = Command::new("bash");
            bash.args(["-c", &format!("{example}\n{EACH_STATUS}")]).env("PATH", path);
            let run = Run::of(bash.current_dir(core.folder()).stdin(Stdio::null()));
            // Nothing need be found under /srv.
            let fits = run.status == 0 || run.status == 1 && example.contains("--search");
            assert!(fits, "{example}: {run:?}");
            assert!(
                !run.out.is_empty() || example.contains("extract") || run.status == 1,
                "{example} prints nothing"
            );
        }
    }
}

/// A comment behind an example that runs into the next line is taken for a command.
#[test]
fn examples_are_not_wrapped() {
    for columns in ["80", "100", "200"] {
        for command in COMMANDS {
            let help = Run::of(coreinspect().args(*command).arg("--help").env("COLUMNS", columns)).ended(0);
            let (_, examples) = help.text().split_once("\nExamples:\n").unwrap();
            for line in examples.lines().filter(|line| !line.is_empty()) {
                assert!(line.starts_with("  coreinspect "), "{columns} columns: {line}");
            }
        }
    }
}

#[test]
fn help_is_short_or_long_and_fits_80_columns() {
    for command in COMMANDS {
        let [short, long] = ["-h", "--help"]
            .map(|flag| Run::of(coreinspect().args(*command).arg(flag).env("COLUMNS", "80")).ended(0));
        assert!(short.err.is_empty() && long.err.is_empty());
        assert!(short.lines().len() <= long.lines().len(), "{command:?}");
        for line in short.lines().into_iter().chain(long.lines()) {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
    }
    let help = Run::of(coreinspect().arg("--help"));
    assert!(help.text().contains("Exit status"), "{help:?}");
    for command in COMMANDS.iter().filter_map(|command| command.first()) {
        let named = help.lines().into_iter().any(|line| line.trim_start().starts_with(command));
        assert!(named, "{command} is not listed");
    }
}

/// `-h` is a page, and `--help` tells what the status means and how a command is called.
#[test]
fn every_command_has_a_short_help_and_a_whole_one() {
    let names = coreinspect::cli::COMMANDS.iter().map(|row| Some(row.name)).chain([None]);
    for name in names {
        let help = |flag: &str| Run::of(coreinspect().args(name).arg(flag).env("COLUMNS", "80")).ended(0);
        let (short, long) = (help("-h"), help("--help"));
        assert!(short.lines().len() <= 40, "{name:?}: {} lines: {short:?}", short.lines().len());
        assert!(long.text().contains("Exit status"), "{name:?}: {long:?}");
        assert!(examples(long.text()).len() >= 3, "{name:?}");
        let wrong = Run::of(coreinspect().args(name).arg("--no-such-option")).ended(2);
        let own =
            name.map_or("`coreinspect --help`".to_owned(), |name| format!("`coreinspect {name} --help`"));
        assert!(wrong.err.contains(&own), "{name:?}: {wrong:?}");
    }
    let schema = Run::of(coreinspect().args(["schema", "--help"])).ended(0);
    for dead in ["--find-unnamed", "--sister", "--max-size", "--bytes", "--force", "--verbose", "--kind"] {
        assert!(!schema.text().contains(dead), "{dead}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    for flag in ["--version", "-V"] {
        let run = Run::of(coreinspect().arg(flag)).ended(0);
        assert_eq!(run.text(), format!("coreinspect {}\n", env!("CARGO_PKG_VERSION")));
    }
}

/// What a report of a bug needs.
#[test]
fn the_verbose_version_tells_what_matters_of_this_machine() {
    let run = Run::of(coreinspect().args(["--version", "-v"])).ended(0);
    let fact = |name: &str| {
        let line = run.lines().into_iter().find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name}: {run:?}")).strip_prefix(name).unwrap().trim()
    };
    let read = |path| fs::read_to_string(path).unwrap().trim().to_owned();
    assert_eq!(fact("core_pattern"), read("/proc/sys/kernel/core_pattern"));
    assert!(fact("kernel").contains(&read("/proc/sys/kernel/osrelease")));
    let filter = fact("coredump_filter").strip_prefix("0x").unwrap();
    let filter = u32::from_str_radix(filter, 16).unwrap();
    assert_eq!(filter, u32::from_str_radix(&read("/proc/self/coredump_filter"), 16).unwrap());
    assert_eq!(Run::of(coreinspect().args(["-v", "-V"])), run);
}
