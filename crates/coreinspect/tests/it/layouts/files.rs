//! Layout files: what is read of them, what they recognise, and what is wrong with them.

use std::path::Path;

use coreinspect::layout::file::{Contents, Definition, FileLayout, read};
use coreinspect::layout::{Layout, Subject, Verdict};
use coreinspect::types::Budget;
use shmcore::Key;

use super::{S390X, X86_64};

fn contents(name: &str, text: &str) -> Contents {
    read(Path::new(name), text, &mut |wanted| match wanted.header {
        "queue.h" => Ok(Definition::Type(std::sync::Arc::new(super::parse("u32 from_header")))),
        header => Err(format!("{header} is not there")),
    })
}

fn layouts(name: &str, text: &str) -> Vec<FileLayout> {
    let contents = contents(name, text);
    let problems = contents.problems.iter().map(|problem| problem.in_text(text, name).to_string());
    assert_eq!(problems.collect::<Vec<_>>(), Vec::<String>::new());
    contents.layouts
}

/// What `layout` says of a segment with this key and these bytes.
fn verdict(layout: &FileLayout, key: u32, bytes: &[u8]) -> Verdict {
    let budget = Budget::unlimited();
    layout.recognise(&Subject::new(&bytes, Some(Key::from_bits(key)), X86_64, None, &budget))
}

fn rank(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Certain(_) => "certain",
        Verdict::Likely(_) => "likely",
        Verdict::Possible(_) => "possible",
        Verdict::No => "no",
    }
}

#[test]
fn a_plain_file_holds_one_layout_or_several() {
    let one = layouts("/x/queue.layout", "// the queue of example\nu8 flag; cstr message");
    assert_eq!(one[0].name, "queue");
    let text = "//! name: first\n//! about: the first one\n//! keys: 0x510000??, 7\n//! program: writer\nu8 a;\n\n\
                //! name: second\nu16 b;\n";
    let two = layouts("/x/queue.layout", text);
    assert_eq!(two.iter().map(|layout| layout.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(two[0].about, "the first one");
    assert_eq!(two[0].recognises(), ["key 0x510000??", "key 0x00000007", "program writer"]);
    assert_eq!(two[1].definition.on(X86_64).unwrap().size(X86_64), Some(2));
}

#[test]
fn toml_says_the_same() {
    let text = "name = 'queue'\nabout = 'jobs'\nkeys = '0x510000??'\nmagic = { offset = 4, text = 'JOBS' }\ntype = 'u32 a; u32 b'";
    let one = layouts("queue.toml", text);
    assert_eq!(one[0].recognises(), ["key 0x510000??", "magic \"JOBS\" at 0x4"]);
    let text = "[[layout]]\nname = 'a'\nkeys = [77, '0x4e545030..0x4e545037']\nheader = 'queue.h'\nstruct = 'struct q'\n\
                [[layout]]\nname = 'b'\nmagic = [{ number = 0x1234, width = 2 }, { offset = 8, bytes = '7f 45' }]\ntype = 'u8 x'";
    let two = layouts("queue.toml", text);
    assert_eq!(two[0].recognises(), ["key 0x0000004d", "key 0x4e545030..0x4e545037"]);
    assert_eq!(two[1].recognises(), ["magic 0x1234 at 0x0", "magic \"\\x7fE\" at 0x8"]);
}

/// The rule that coreinspect-layout(5) tells.
#[test]
fn what_speaks_for_a_layout_and_what_against_it() {
    let of = |text: &str| layouts("x.layout", text).remove(0);
    let magic = of("//! keys: 0x51000001\nu32 magic = 0x4a4f4253; u32 count; check count < 10 \"too many\"");
    let good = [0x53, 0x42, 0x4f, 0x4a, 3, 0, 0, 0];
    assert_eq!(rank(&verdict(&magic, 0x5100_0001, &good)), "certain");
    assert_eq!(rank(&verdict(&magic, 0x77, &good)), "certain");
    assert_eq!(rank(&verdict(&magic, 0x5100_0001, &[0x53, 0x42, 0x4f, 0x4a, 99, 0, 0, 0])), "likely");
    assert_eq!(rank(&verdict(&magic, 0x5100_0001, &[0x53, 0x42, 0x4f, 0x4b, 3, 0, 0, 0])), "no");
    let Verdict::Certain(reasons) = verdict(&magic, 0x5100_0001, &good) else { unreachable!() };
    assert_eq!(
        reasons,
        ["the key is one of its own (0x51000001)", "4 bytes of magic are in its fields", "its check holds"]
    );
    let key = of("//! keys: 0x51000001\nu32 count; check count < 10");
    assert_eq!(rank(&verdict(&key, 0x5100_0001, &[3, 0, 0, 0])), "likely");
    assert_eq!(rank(&verdict(&key, 0x5100_0001, &[99, 0, 0, 0])), "possible");
    assert_eq!(rank(&verdict(&key, 0x5100_0002, &[3, 0, 0, 0])), "no");
    let short = of("u16 magic = 0x1234; u8 x");
    assert_eq!(rank(&verdict(&short, 0x77, &[0x34, 0x12, 0, 0])), "possible");
    let checks = of("u32 start; u32 end; check start <= end");
    assert_eq!(rank(&verdict(&checks, 0x77, &[1, 0, 0, 0, 2, 0, 0, 0])), "possible");
    // Zeroes speak for nothing, and neither does a layout that asks for nothing.
    let zero = of("u32 magic = 0; u32 x");
    assert_eq!(rank(&verdict(&zero, 0x77, &[0; 8])), "no");
    assert_eq!(rank(&verdict(&of("u32 x"), 0x77, &[1; 8])), "no");
}

#[test]
fn a_magic_number_has_the_targets_byte_order() {
    let text = "name = 'a'\nmagic = { number = 0x4a4f4253 }\ntype = 'u32 x'";
    let layout = layouts("a.toml", text).remove(0);
    let bytes: &[u8] = b"JOBS";
    let budget = Budget::unlimited();
    let subject = Subject::new(&bytes, None, S390X, None, &budget);
    assert_eq!(rank(&layout.recognise(&subject)), "certain");
    assert_eq!(rank(&verdict(&layout, 1, bytes)), "no");
}

/// The text, the line and the column, and the words that must be told.
const WRONG: &[(&str, &str, usize, usize, &str)] = &[
    ("a.layout", "//! nmae: x\nu8 a", 1, 5, "did you mean `name`"),
    ("a.layout", "//! just words\nu8 a", 1, 1, "a word, a colon"),
    ("a.layout", "//! keys: 0x51000001, 0x5100\nu8 a;\n", 1, 23, ""),
    ("a.layout", "//! keys: 0x51000001, queue\nu8 a", 1, 23, "`queue` is no key"),
    ("a.layout", "//! name: a b\nu8 a", 1, 11, "not a layout name"),
    ("1.layout", "u8 a", 1, 1, "//! name: NAME"),
    ("a.layout", "//! name: a\nu8 a;\n//! name: b\nu8 x; u9 b", 4, 7, "bits are written"),
    ("a.toml", "name = 'a'\ntype = 'u8 a; u9 b'", 2, 15, "bits are written"),
    ("a.toml", "name = 'a'\ntype = '''\nu8 a;\nu9 b'''", 4, 1, "bits are written"),
    ("a.toml", "name = 'a'\ntype = \"u8 a;\\tu9 b\"", 2, 8, "(line 1, column 7 of the type)"),
    ("a.toml", "name = 'a'\ntype = 'u8 a'\nkey = 1", 3, 1, "unknown field `key`"),
    ("a.toml", "name = 'a'\nkeys = ['x']\ntype = 'u8 a'", 2, 9, "`x` is no key"),
    ("a.toml", "name = 'a'\nmagic = [{ text = 'x', number = 1 }]\ntype = 'u8 a'", 2, 10, "a magic is"),
    (
        "a.toml",
        "name = 'a'\nmagic = [{ number = 0x12345, width = 2 }]\ntype = 'u8 a'",
        2,
        10,
        "needs more than 2 bytes",
    ),
    ("a.toml", "name = 'a'", 1, 1, "does not say what the bytes mean"),
    ("a.toml", "name = 'a'\nheader = 'gone.h'", 2, 10, "gone.h is not there"),
    ("a.toml", "name = 'a'\nheader = 'queue.h'\ntype = 'u8 a'", 2, 10, "one is enough"),
    ("a.toml", "name = ", 1, 8, ""),
    ("a.toml", "", 1, 1, "missing field `name`"),
];

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (name, text, line, column, words) in WRONG {
        let contents = contents(name, text);
        let Some(problem) = contents.problems.first() else {
            assert!(words.is_empty(), "{name} {text:?}: is taken");
            continue;
        };
        let told = problem.in_text(text, name).to_string();
        assert!(told.contains(words), "{text}: {told}");
        assert_eq!(problem.place(text), (*line, *column), "{text:?}: {told}");
    }
}

#[test]
fn one_that_is_wrong_does_not_hide_the_others() {
    let text = "[[layout]]\nname = 'a'\ntype = 'u9 x'\n[[layout]]\nname = 'b'\ntype = 'u8 x'";
    let found = contents("a.toml", text);
    assert_eq!(found.layouts.iter().map(|layout| layout.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(found.problems.len(), 1);
}
