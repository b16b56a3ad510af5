//! `--expect`: a test of a dump in one line, and how it differs.

use std::path::Path;

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

fn expect(folder: &Path, terms: &[&str]) -> Run {
    let terms = terms.iter().flat_map(|terms| ["--expect", terms]);
    Run::of(coreinspect().arg("core").args(terms).current_dir(folder))
}

#[test]
fn what_is_as_expected_is_silent() {
    let core = Core::unpack("writer.kernel");
    let plain = expect(core.folder(), &[]).ended(0);
    let bits = u32::from_str_radix(&core.key()[2..], 16).unwrap();
    let decimal = format!("key={bits}");
    for terms in [
        "key=0x7700e067 flag=ready message~coffees",
        "key=7700e067",
        "key=SYSV7700e067",
        "key='/SYSV7700e067 (deleted)'",
        &decimal,
        "flag!=read",
        "message='Order 4711: two coffees'",
        "message=\"Order 4711: two coffees\" state=whole",
        "message~'two coffees'",
        "message!='two coffees'",
        "mapped=4096 saved=4096 attachments=1 segments=1",
        "writer=kernel command=writer signal=SIGABRT",
        "pid=18433",
        "  key=0x7700e067   flag=ready  ",
    ] {
        assert_eq!(expect(core.folder(), &[terms]), plain, "{terms}");
    }
    assert_eq!(expect(core.folder(), &["flag=ready", "message~Order"]), plain);
    let partial = Core::unpack("readonly.kernel");
    expect(partial.folder(), &["state=partial cause=read-only-attach mapped=20480 saved=4096"]).ended(0);
}

/// Terms, and what the complaint must hold: each term that differs, and what there is instead.
#[test]
fn what_differs_is_told_in_one_line() {
    let core = Core::unpack("writer.kernel");
    for (terms, told, untold) in [
        ("flag=read", &["flag=read", "ready", "segment 1"] as &[_], ""),
        ("key=0x7700e067 flag=read", &["flag=read", "\"ready\""], "key="),
        ("key=0x12345678", &["key=0x12345678", core.key()], ""),
        ("message~tea flag=ready", &["message~tea", "Order 4711: two coffees"], "flag="),
        ("flag!=ready", &["flag!=ready", "\"ready\""], ""),
        ("state=partial saved=0", &["state=partial", "\"whole\"", "saved=0", "\"4096\""], ""),
        ("cause=dontdump", &["cause=dontdump", "not in the dump"], ""),
        ("signal=SIGSEGV", &["signal=SIGSEGV", "SIGABRT"], ""),
        ("segments=2", &["segments=2", "\"1\""], ""),
    ] {
        let run = expect(core.folder(), &[terms]).ended(1);
        assert!(run.err.starts_with("coreinspect: core: not as expected: "), "{run:?}");
        for word in told {
            assert!(run.err.contains(word), "{terms}: no {word:?} in {}", run.err);
        }
        assert!(untold.is_empty() || !run.err.contains(untold), "{terms}: {untold:?} in {}", run.err);
        // The report is printed all the same: CI shows what was found.
        assert_eq!(run.out, expect(core.folder(), &[]).out);
        let json =
            Run::of(coreinspect().args(["core", "--json", "--expect", terms]).current_dir(core.folder()));
        assert_eq!(json.ended(1).document()["dumps"][0]["segments"][0]["key"], core.key());
        expect(core.folder(), &["flag=ready", terms]).ended(1);
    }
}

/// The segment with the key that was asked for is the one that is meant.
#[test]
fn all_terms_are_of_one_segment() {
    let core = Core::unpack("private.kernel");
    expect(core.folder(), &["message~private flag=read"]).ended(0);
    expect(core.folder(), &["flag=empty"]).ended(0);
    // Each holds for a segment, but not both for the same.
    let run = expect(core.folder(), &["message~private flag=empty"]).ended(1);
    assert!(run.err.contains("flag=empty") || run.err.contains("message~private"), "{run:?}");
    let private = expect(core.folder(), &["key=0 flag=ready"]);
    assert!(private.ended(1).err.contains("flag=ready"));
}

#[test]
fn an_absent_segment_differs_and_an_unreadable_dump_is_an_error() {
    let none = Core::unpack("nosegment.kernel");
    let run = expect(none.folder(), &["key=0x7700e067"]).ended(1);
    assert!(run.err.contains("no System V segment"), "{run:?}");
    let folder = tempfile::tempdir().unwrap();
    expect(folder.path(), &["key=0x7700e067"]).ended(2);
}

/// What is not in the dump is no empty text.
#[test]
fn what_is_missing_is_not_as_expected() {
    let absent = Core::unpack("filter-0x31.kernel");
    for terms in ["flag=empty", "message~x", "message=''"] {
        let run = expect(absent.folder(), &[terms]).ended(1);
        assert!(run.err.contains("not in the dump"), "{terms}: {run:?}");
    }
    expect(absent.folder(), &["state=absent"]).ended(0);
}

/// Text from the dump stands in the complaint: escaped.
#[test]
fn a_difference_is_harmless_on_a_terminal() {
    let binary = Core::unpack("binary.kernel");
    let run = expect(binary.folder(), &["message=x"]).ended(1);
    assert_eq!(crate::harmless::complaint(run.err.as_bytes(), false), None);
    assert!(run.err.contains("31mred"), "{run:?}");
}

/// Escaped as in the listing, and no longer than a person reads.
#[test]
fn a_difference_is_readable() {
    let binary = Core::unpack("binary.kernel");
    let run = expect(binary.folder(), &["message=x"]).ended(1);
    assert!(run.err.len() < 600, "{} bytes", run.err.len());
    assert!(run.err.contains("\\x1b[31mred\\x1b[0m") && run.err.contains("\\xff\\xfe"), "{run:?}");
}

#[test]
fn each_of_several_dumps_is_judged() {
    let (good, other) = (Core::unpack("writer.kernel"), Core::unpack("readonly.kernel"));
    let mut command = coreinspect();
    command.arg(good.path()).arg(other.path()).args(["--expect", "flag=ready"]);
    let run = Run::of(&mut command).ended(1);
    assert!(run.err.contains(other.path().to_str().unwrap()), "{run:?}");
}

/// JSON shows 4,096 bytes of a message; what is expected of it is expected of all of it.
#[test]
fn a_long_message_is_expected_whole() {
    let (core, long) = crate::options::long_message();
    expect(core.folder(), &[&format!("message='{long}'")]).ended(0);
    expect(core.folder(), &[&format!("message='{}'", &long[..4095])]).ended(1);
}
