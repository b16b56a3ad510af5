//! Colour, width and characters: what a terminal, a pipe and a locale change in the output, and what they do not.

use std::collections::BTreeSet;
use std::process::Command;

use unicode_width::UnicodeWidthStr;

use crate::program::{Run, coreinspect};
use crate::testdata::{self, Core};
use crate::tools::have;

const ESCAPE: u8 = 0x1b;

/// What the program prints with `arguments` and `environment`, into a pipe.
fn piped(core: &Core, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    Run::of(coreinspect().args(arguments).envs(environment.iter().copied()).current_dir(core.folder()))
}

/// The same on a terminal; `None` where there is no script(1) to make one.
fn on_a_terminal(core: &Core, arguments: &str, environment: &[(&str, &str)]) -> Option<Run> {
    if !have("script") {
        return None;
    }
    let program = coreinspect();
    let mut script = Command::new("script");
    script.args(["-qec", &format!("{} {arguments}", program.get_program().display()), "/dev/null"]);
    for (name, value) in program.get_envs().filter(|(_, value)| value.is_none()) {
        assert!(value.is_none());
        script.env_remove(name);
    }
    script.env("TERM", "xterm").envs(environment.iter().copied());
    script.stdin(std::process::Stdio::null()).current_dir(core.folder());
    Some(Run::of(&mut script))
}

#[test]
fn a_terminal_is_coloured_unless_the_user_objects() {
    let core = Core::unpack("readonly.kernel");
    for (arguments, environment, coloured) in [
        ("core", &[] as &[(&str, &str)], true),
        ("core", &[("NO_COLOR", "1")], false),
        ("core", &[("NO_COLOR", "")], true),
        ("core", &[("TERM", "dumb")], false),
        ("core", &[("CLICOLOR", "0")], false),
        ("core --color never", &[("CLICOLOR_FORCE", "1")], false),
        ("core --color always", &[("NO_COLOR", "1")], true),
        ("show core", &[], true),
        ("show core --hex --no-pager", &[], true),
        ("show core --hex --no-pager", &[("NO_COLOR", "1")], false),
        ("key 0x7800c028", &[], true),
        ("key 0x7800c028", &[("TERM", "dumb")], false),
        ("core --json", &[], false),
    ] {
        let Some(run) = on_a_terminal(&core, arguments, environment) else { return };
        assert_eq!(run.out.contains(&ESCAPE), coloured, "{arguments} {environment:?}: {run:?}");
    }
}

#[test]
fn a_pipe_is_coloured_only_on_demand() {
    let core = Core::unpack("readonly.kernel");
    for (arguments, environment, coloured) in [
        (&["core"] as &[_], &[] as &[_], false),
        (&["core"], &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], false),
        (&["core"], &[("CLICOLOR_FORCE", "1")], true),
        (&["core"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&["core", "--color", "always"], &[], true),
        (&["core", "--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["show", "core", "--hex"], &[("CLICOLOR_FORCE", "1")], true),
        (&["--json", "core", "--color", "always"], &[], false),
    ] {
        let run = piped(&core, arguments, environment).ended(0);
        assert_eq!(run.out.contains(&ESCAPE), coloured, "{arguments:?} {environment:?}: {run:?}");
        assert!(!run.err.contains('\x1b'), "{}", run.err);
    }
}

/// Text without `ESC [ ... m`.
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
}

#[test]
fn colour_changes_nothing_but_colour() {
    for name in testdata::names() {
        let core = Core::unpack(&name);
        for arguments in [&["core"] as &[_], &["show", "core", "--hex", "--no-pager"]] {
            let plain = piped(&core, arguments, &[("COLUMNS", "80")]);
            let coloured = piped(&core, arguments, &[("COLUMNS", "80"), ("CLICOLOR_FORCE", "1")]);
            assert_eq!(without_colours(coloured.text()), plain.text(), "{name}");
        }
    }
}

/// What a person reads along is for a person: a hint. A pipe gets none.
#[test]
fn only_a_terminal_gets_the_next_command() {
    let core = Core::unpack("writer.kernel");
    assert!(!piped(&core, &["core"], &[]).text().contains("next:"));
    let Some(run) = on_a_terminal(&core, "core", &[("NO_COLOR", "1")]) else { return };
    let hint = run.lines().into_iter().find_map(|line| line.trim_end().strip_prefix("next: coreinspect "));
    let hint = hint.unwrap_or_else(|| panic!("{run:?}")).replace('\'', "");
    piped(&core, &hint.split(' ').collect::<Vec<_>>(), &[]).ended(0);
    let quiet = on_a_terminal(&core, "core -q", &[("NO_COLOR", "1")]).unwrap();
    assert!(!quiet.text().contains("next:"), "{quiet:?}");
}

/// Addresses and ranges of addresses in a text.
fn addresses(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.starts_with("0x") && word.len() >= 10).collect()
}

#[test]
fn no_line_is_longer_than_the_terminal_and_no_address_is_broken() {
    for name in testdata::names() {
        let core = Core::unpack(&name);
        let endless = piped(&core, &["core"], &[]);
        for width in [60, 80, 200] {
            let columns = [("COLUMNS", width.to_string())];
            let columns = columns.each_ref().map(|(name, value)| (*name, value.as_str()));
            for arguments in
                [&["core"] as &[_], &["core", "--bytes"], &["core", "-v"], &["core", "--no-header"]]
            {
                let run = piped(&core, arguments, &columns);
                for line in run.lines() {
                    assert!(
                        line.width() <= width,
                        "{name} {arguments:?}: {} of {width}: {line}",
                        line.width()
                    );
                }
            }
            let run = piped(&core, &["core"], &columns);
            let (wanted, found) = (addresses(endless.text()), addresses(run.text()));
            assert!(wanted.is_subset(&found), "{name} {width}: {wanted:?} {run:?}");
            let left_out = ["MAPPED", "SAVED", "PERM"].iter().filter(|column| !run.text().contains(*column));
            assert!(
                left_out.clone().count() == 0 || endless.status == 1 || run.text().contains("no room for"),
                "{name} {width} leaves out {:?} in silence",
                left_out.collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn a_segment_in_full_fits_80_columns() {
    for name in testdata::names() {
        let core = Core::unpack(&name);
        for arguments in [&["show", "core"] as &[_], &["show", "core", "--hex"]] {
            let run = piped(&core, arguments, &[("COLUMNS", "80")]);
            for line in run.lines() {
                assert!(line.width() <= 80, "{name} {arguments:?}: {line}");
            }
        }
    }
}

#[test]
fn a_hex_dump_is_narrow_where_the_terminal_is() {
    let core = Core::unpack("binary.kernel");
    let run = piped(&core, &["show", "core", "--hex"], &[("COLUMNS", "60")]).ended(0);
    let bytes = run.lines().into_iter().skip_while(|line| !line.starts_with("00000000 "));
    let bytes: Vec<_> = bytes.collect();
    assert!(bytes[1].starts_with("00000008 "), "{bytes:?}");
    assert!(bytes.iter().all(|line| line.width() <= 60), "{bytes:?}");
}

#[test]
fn columns_that_mean_nothing_are_ignored() {
    let core = Core::unpack("readonly.kernel");
    let endless = piped(&core, &["core"], &[]).ended(0);
    for columns in ["", "0", "-1", "wide", "99999999999999999999"] {
        assert_eq!(piped(&core, &["core"], &[("COLUMNS", columns)]), endless, "{columns:?}");
    }
    for columns in ["1", "5", "18446744073709551615"] {
        piped(&core, &["core"], &[("COLUMNS", columns)]).ended(0);
        piped(&core, &["show", "core", "--hex"], &[("COLUMNS", columns)]).ended(0);
    }
}

/// What we draw ourselves is ASCII where the locale is; what the process wrote is shown as it was.
#[test]
fn decorations_are_ascii_unless_the_locale_is_utf_8() {
    let core = Core::unpack("readonly-long.kernel");
    for (environment, ascii) in [
        (&[] as &[_], true),
        (&[("LANG", "C")], true),
        (&[("LANG", "POSIX")], true),
        (&[("LANG", "de_DE.ISO-8859-1")], true),
        (&[("LANG", "C.UTF-8")], false),
        (&[("LANG", "de_DE.utf8")], false),
        (&[("LANG", "C.UTF-8"), ("LC_ALL", "C")], true),
        (&[("LANG", "C"), ("LC_CTYPE", "C.UTF-8")], false),
        (&[("LANG", "C.UTF-8"), ("LC_ALL", "")], false),
    ] {
        let environment = [environment, &[("COLUMNS", "80")]].concat();
        for arguments in [&["core"] as &[_], &["show", "core", "--hex"]] {
            let run = piped(&core, arguments, &environment).ended(0);
            assert_eq!(run.text().is_ascii(), ascii, "{arguments:?} {environment:?}: {run:?}");
        }
    }
    let umlauts = Core::unpack("negative-key.kernel");
    let message = umlauts.segment()["mailbox"]["message"]["text"].as_str().unwrap();
    assert!(!message.is_ascii());
    assert!(piped(&umlauts, &["core"], &[("LANG", "C")]).text().contains(message));
}
