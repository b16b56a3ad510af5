//! What is taken for a segment and is none: dumps of programs that have none.

use super::subject::Subject;
use super::{candidates, take_names};

/// Programs of every kind that waits for its input, or sleeps.
const PROGRAMS: &[&[&str]] = &[
    &["sleep", "1000"],
    &["bash"],
    &[
        "python3",
        "-c",
        "import json, time; a = [str(i) for i in range(100000)]; b = bytearray(5 << 20); time.sleep(1000)",
    ],
    &["perl", "-e", "my @a = (1..100000); my %h = map { $_ => \"x$_\" } @a; sleep 1000"],
    &["gdb", "-q"],
];

/// Nobody who did not ask is shown a segment that is none; whoever asks, hardly one. What was measured on more programs
/// stands in ARCHITECTURE.md.
#[test]
fn ordinary_programs_have_no_segment() {
    let subjects = PROGRAMS.iter().filter_map(|words| Some((words[0], Subject::installed(words)?)));
    let private = Subject::private().map(|subject| ("private.c", subject));
    let (mut dumps, mut by_itself, mut asked) = (0, 0, 0);
    let mut look = |name: &str, core: &std::path::Path| {
        let (plain, flag) = (candidates(core, &[]), candidates(core, &["--find-unnamed"]));
        if !flag.is_empty() {
            println!("{name}: {plain:x?} by itself, {flag:x?} with the flag");
        }
        dumps += 1;
        by_itself += plain.len();
        asked += flag.len();
    };
    for (name, mut subject) in subjects.chain(private) {
        if let Some(core) = subject.gcore() {
            look(&format!("{name}, gcore"), &core);
        }
        if let Some(core) = subject.abort() {
            look(&format!("{name}, the kernel"), &core);
            take_names(&core);
            look(&format!("{name}, the kernel, without names"), &core);
        }
    }
    println!(
        "{dumps} dumps of programs without a segment: {by_itself} false alarms by itself, {asked} with --find-unnamed"
    );
    assert_eq!(by_itself, 0);
    assert!(asked * 10 <= dumps, "{asked} in {dumps}");
}
