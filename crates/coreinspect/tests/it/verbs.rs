//! The verbs of the shell and the plugins: those of the command line, with the dump filled in.

use std::ffi::{OsStr, OsString};

use coreinspect::cli::{COMMANDS, Takes, Verb, verbs};

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

fn run(verb: &Verb, core: &Core, rest: &[&str]) -> Run {
    let line = verb.command_line(core.path().as_os_str(), rest.iter().map(OsString::from));
    assert_eq!(line[0], "coreinspect");
    Run::of(coreinspect().args(&line[1..]).current_dir(core.folder())).ended(0)
}

fn named(name: &str) -> Verb {
    verbs().find(|verb| verb.name == name).unwrap()
}

#[test]
fn a_row_of_the_commands_is_a_verb_unless_it_takes_nothing() {
    let names: Vec<_> = verbs().map(|verb| verb.name).collect();
    for row in COMMANDS {
        assert_eq!(names.contains(&row.name), row.takes != Takes::Nothing, "{}", row.name);
    }
    for word in ["list", "hex", "show", "extract", "key"] {
        assert_eq!(names.iter().filter(|name| **name == word).count(), 1, "{word}");
    }
}

#[test]
fn a_verb_is_the_command_line_with_the_dump_in_its_place() {
    let core = Core::unpack("writer.kernel");
    let by_hand = |words: &[&str]| Run::of(coreinspect().args(words).current_dir(core.folder())).ended(0);
    let path = core.path();
    let path = path.to_str().unwrap();
    assert_eq!(run(&named("list"), &core, &[]), by_hand(&[path]));
    assert_eq!(run(&named("show"), &core, &["#1"]), by_hand(&["show", path, "#1"]));
    assert_eq!(run(&named("hex"), &core, &["#1"]), by_hand(&["show", path, "#1", "--hex"]));
    assert_eq!(run(&named("key"), &core, &[core.key()]), by_hand(&["key", core.key()]));
    let line = named("show").command_line(OsStr::new("-odd"), None);
    assert_eq!(line, ["coreinspect", "show", "-odd"]);
}

#[test]
fn the_help_of_a_verb_speaks_of_the_prompt() {
    for verb in verbs() {
        for prefix in ["shm ", ""] {
            let help = verb.help(prefix, 80);
            assert!(help.contains(&format!("Usage: {prefix}{}", verb.name)), "{help}");
            let body = help.replace("coreinspect: ", "");
            assert!(!body.contains("DUMP"), "{help}");
            assert!(!verb.about().is_empty() && !verb.usage(prefix).contains("coreinspect"), "{help}");
            assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        }
    }
    assert_eq!(named("show").usage("shm "), "shm show [OPTIONS] [SEGMENT]...");
    assert!(named("show").examples("shm ").contains(&"shm show 1 --hex".to_owned()));
    assert_eq!(named("list").usage(""), "list [OPTIONS]");
}
