//! `key`: what a key means, which one a path makes, and which paths make it. The truth is libc's ftok.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::Uid;
use serde_json::{Value, json};

use crate::program::{Run, coreinspect};
use crate::tools::{have, output};
use crate::wrong_files::copy_of_the_program;

fn key(arguments: &[&str]) -> Run {
    Run::of(coreinspect().arg("key").args(arguments))
}

fn json_of(arguments: &[&str]) -> Value {
    key(&[&["--json"], arguments].concat()).ended(0).document()
}

/// The candidates of a report: path and project id.
fn candidates(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let candidates = report["candidates"].as_array().unwrap().iter();
    candidates.map(|candidate| (text(&candidate["path"]), text(&candidate["project_id"]))).collect()
}

/// What ftok(3) of the C library makes of each path and id, asked by Python; `None` without Python.
fn ftoks(questions: &[(&Path, i32)]) -> Option<Vec<u32>> {
    if !have("python3") {
        return None;
    }
    let script = "import ctypes, os, sys\n\
                  ftok = ctypes.CDLL(None).ftok\n\
                  ftok.argtypes = [ctypes.c_char_p, ctypes.c_int]\n\
                  for path, id in zip(sys.argv[1::2], sys.argv[2::2]):\n    \
                      print(ftok(os.fsencode(path), int(id)) & 0xffffffff)";
    let mut python = Command::new("python3");
    python.args(["-c", script]);
    questions.iter().for_each(|(path, id)| {
        python.arg(path).arg(id.to_string());
    });
    Some(output(&mut python).lines().map(|line| line.parse().unwrap()).collect())
}

fn ftok(path: &Path, id: i32) -> Option<u32> {
    Some(ftoks(&[(path, id)])?[0])
}

/// People paste what the debugger said.
#[test]
fn a_debuggers_message_holds_a_key() {
    for message in [
        "Unable to verify timestamp for SYSV10cf21d1 (deleted)",
        "warning: Can't open file /SYSV10cf21d1 (deleted) during file-backed mapping note processing",
        "warning: unable to find SYSV10CF21D1: SYSV10CF21D1.",
    ] {
        for words in [vec![message], message.split(' ').collect()] {
            let run = key(&words).ended(0);
            assert!(run.text().contains("0x10cf21d1"), "{message}: {run:?}");
            assert_eq!(run.err.lines().filter(|line| line.contains("harmless")).count(), 1, "{run:?}");
            assert!(!key(&[&words, ["-q"].as_slice()].concat()).ended(0).err.contains("harmless"));
        }
    }
    for wrong in ["for SYSV10cf21d", "for SYSV10cf21d12", "SYSV (deleted)", "SYSV\u{e9}"] {
        key(&[wrong]).ended(2);
    }
    // A command takes such a message for the segment; a name is no message.
    let core = crate::testdata::Core::unpack("writer.kernel");
    let message = format!("Unable to verify timestamp for SYSV{} (deleted)", &core.key()[2..]);
    Run::of(coreinspect().arg("show").arg(core.path()).arg(&message)).ended(0);
    assert!(!key(&["SYSV10cf21d1"]).ended(0).err.contains("harmless"));
}

/// ftok(3) takes no project id 0, answers -1 where it fails, and makes no key that a program's source spells out.
#[test]
fn ftoks_parts_are_told_where_ftok_could_have_made_the_key() {
    for (word, parts) in [
        ("0xffffffff", false),
        ("5432001", false),
        ("0x4e545030", false),
        ("0x00fe1234", false),
        ("0x7800c028", true),
    ] {
        assert_eq!(json_of(&[word])["key_parts"].is_object(), parts, "{word}");
        assert_eq!(key(&[word]).ended(0).text().contains("ftok parts"), parts, "{word}");
    }
    assert_eq!(json_of(&["-1"])["known"][0]["name"], "a failed ftok");
    assert!(key(&["0x5175697a"]).ended(0).text().contains("Quiz"));
}

#[test]
fn a_path_makes_the_key_that_ftok_makes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key file");
    fs::write(&file, "").unwrap();
    let link = folder.path().join("link");
    symlink("key file", &link).unwrap();
    let paths = [
        folder.path(),
        &file,
        &link,
        Path::new("/"),
        Path::new("/etc/passwd"),
        Path::new("/proc"),
        Path::new("."),
    ];
    let ids = [("x", 120), ("120", 120), ("0x78", 120), ("1", 1), ("0", 0), ("255", 255), ("0x80", 128)];
    let asked: Vec<_> = paths.iter().flat_map(|path| ids.map(|(word, id)| (*path, word, id))).collect();
    let questions: Vec<_> = asked.iter().map(|&(path, _, id)| (path, id)).collect();
    let Some(keys) = ftoks(&questions) else { return };
    assert_eq!(keys.len(), asked.len());
    for ((path, word, id), expected) in asked.into_iter().zip(keys) {
        let path = path.to_str().unwrap();
        let report = json_of(&["--path", path, "--id", word]);
        assert_eq!(report["key"], format!("0x{expected:08x}"), "{path} {word}");
        assert_eq!(report["key_t"], expected.cast_signed());
        assert_eq!(candidates(&report), [(path.to_owned(), format!("{id:#x}"))]);
        let text = key(&["--path", path, "--id", word]).ended(0);
        assert!(text.text().contains(&format!("0x{expected:08x}")), "{text:?}");
    }
    assert_eq!(json_of(&["--path", "/"]), json_of(&["--path", "/", "--id", "x"]), "x is the usual id");
    let missing = key(&["--path", "/no/such/path"]).ended(2);
    assert!(missing.err.contains("/no/such/path"), "{missing:?}");
}

#[test]
fn every_spelling_is_the_same_key() {
    let expected = json_of(&["0x7800c028"]);
    assert_eq!(expected["key"], "0x7800c028");
    assert_eq!(expected["key_t"], 0x7800_c028);
    let parts =
        json!({ "project_id": "0x78", "project_char": "x", "device_low": "0x0", "inode_low": "0xc028" });
    assert_eq!(expected["key_parts"], parts);
    assert_eq!((&expected["schema"], &expected["candidates"]), (&json!("coreinspect/1"), &json!([])));
    for spelling in [
        "7800c028",
        "7800C028",
        "0x7800C028",
        "SYSV7800c028",
        "/SYSV7800c028",
        "/SYSV7800c028 (deleted)",
        "2013315112",
    ] {
        assert_eq!(json_of(&[spelling]), expected, "{spelling}");
    }
    let negative = json_of(&["0xc0de0020"]);
    assert_eq!(negative["key_t"], -1_059_192_800);
    assert_eq!(negative["key_parts"]["project_char"], json!(null), "0xc0 is no ASCII");
    for spelling in ["-1059192800", "3235774496", "c0de0020", "SYSVc0de0020"] {
        assert_eq!(json_of(&[spelling]), negative, "{spelling}");
    }
    for wrong in [
        "",
        "0x",
        "0x123456789",
        "SYSV7800c02",
        "SYSV7800c0289",
        "4294967296",
        "-2147483649",
        "coffee",
        "0xg",
    ] {
        let run = key(&[wrong]).ended(2);
        assert_eq!(run.text(), "", "{wrong}");
    }
}

/// Both readings are possible: the one that was not taken is told.
#[test]
fn eight_digits_are_decimal_and_the_other_reading_is_told() {
    let run = key(&["12345678", "--json"]);
    assert_eq!((run.status, &run.document()["key"]), (0, &json!("0x00bc614e")));
    assert!(run.err.contains("0x12345678") && run.err.lines().count() == 1, "{run:?}");
    assert_eq!(key(&["0x12345678"]).ended(0).err, "");
}

#[test]
fn text_tells_what_json_tells() {
    let run = key(&["0x7800c028"]).ended(0);
    for word in ["0x7800c028", "2013315112", "/SYSV7800c028 (deleted)", "0x78", "'x'", "0xc028"] {
        assert!(run.text().contains(word), "no {word}: {run:?}");
    }
    assert!(key(&["0xc0de0020"]).text().contains("-1059192800"));
}

/// Constants that programs have in their sources: NTP's is "NTP0" and the unit.
#[test]
fn keys_of_known_programs_are_named() {
    for (word, name) in
        [("0x4e545030", "NTP"), ("0x4e545033", "NTP"), ("0x47505344", "gpsd"), ("0", "IPC_PRIVATE")]
    {
        let known = json_of(&[word])["known"].clone();
        assert!(
            known.as_array().unwrap().iter().any(|known| known["name"].as_str().unwrap().contains(name)),
            "{known}"
        );
        assert!(known[0]["certain"].is_boolean() && known[0]["evidence"].is_string());
        assert!(key(&[word]).text().contains(name));
    }
    assert_eq!(json_of(&["0"])["key_parts"], json!(null), "ftok makes no IPC_PRIVATE");
    let ntp = u32::from_be_bytes(*b"NTP0");
    assert_eq!(json_of(&[&ntp.to_string()])["known"], json_of(&["0x4e545030"])["known"]);
}

/// Four names of one file, two in each of two folders, and a link to it, which is none.
#[test]
fn a_search_ranks_what_it_finds_and_counts_what_it_saw() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("other"), "").unwrap();
    for name in ["a/near", "a/b/deep", "c/near", "c/d/deep"] {
        fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        match name {
            "a/near" => fs::write(path(name), "").unwrap(),
            _ => fs::hard_link(path("a/near"), path(name)).unwrap(),
        }
    }
    symlink("a/near", path("link")).unwrap();
    let Some(made) = ftok(&path("a/near"), b'x'.into()) else { return };
    let word = format!("{made:#010x}");
    let report = json_of(&[&word, "--search", folder.path().to_str().unwrap()]);
    let candidate = |name: &str| (path(name).to_str().unwrap().to_owned(), "0x78".to_owned());
    // No walk through the folders comes upon them in this order.
    let found = ["a/near", "c/near", "a/b/deep", "c/d/deep"].map(candidate);
    assert_eq!(candidates(&report), found, "those near the top first");
    // The folder itself, four in it, four names, other; ftok looks through a link.
    assert_eq!((&report["searched"]["paths"], &report["searched"]["unreadable"]), (&json!(10), &json!(0)));
    assert_eq!(report["searched"]["on_device"], 10);
    let by_chance = report["searched"]["expected_by_chance"].as_f64().unwrap();
    assert!((by_chance - 10.0 / 65536.0).abs() < 1e-9, "{report}");

    let text = key(&[&word, "--search", folder.path().to_str().unwrap()]).ended(0);
    let [near, deep] = ["c/near", "a/b/deep"].map(|name| text.text().find(path(name).to_str().unwrap()));
    assert!(near.is_some() && near < deep && text.text().contains("10 paths"), "{text:?}");
    // Whatever the project id: it is the program's to choose.
    let other_id = format!("{:#010x}", made & 0x00ff_ffff | 0x0100_0000);
    let found = json_of(&[&other_id, "--search", folder.path().to_str().unwrap()]);
    assert_eq!(found["candidates"][0]["project_id"], "0x1");
}

#[test]
fn a_search_that_finds_nothing_is_status_1() {
    let folder = tempfile::tempdir().unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(folder.path()).unwrap()) as u32;
    let other = format!("{:#010x}", 0x7800_0000 | (inode.wrapping_add(1) & 0xffff));
    let run = key(&[&other, "--search", folder.path().to_str().unwrap()]).ended(1);
    assert!(run.err.contains(&other) && run.err.contains(folder.path().to_str().unwrap()), "{run:?}");
    assert!(run.text().contains("1 paths") || run.text().contains("1 path"), "{run:?}");
    let json = key(&[&other, "--search", folder.path().to_str().unwrap(), "--json"]).ended(1);
    assert_eq!(json.document()["candidates"], json!([]));
}

/// A folder that may not be read is counted, and hides nothing else.
#[test]
fn a_search_counts_what_it_could_not_look_at() {
    if !Uid::effective().is_root() {
        return println!("skipped: only root can become another user");
    }
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let program = folder.path().join("coreinspect");
    copy_of_the_program(&program);
    set_mode(folder.path(), 0o755);
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("closed/inside")).unwrap();
    fs::write(tree.join("wanted"), "").unwrap();
    set_mode(&tree, 0o755);
    set_mode(&tree.join("closed"), 0o700);
    let Some(made) = ftok(&tree.join("wanted"), 120) else { return };
    let mut command = Command::new(&program);
    command.args(["key", &format!("{made:#010x}"), "--json", "--search"]).arg(&tree);
    let report = Run::of(command.uid(65534).gid(65534).current_dir("/")).ended(0).document();
    assert_eq!(report["candidates"][0]["path"], tree.join("wanted").to_str().unwrap());
    assert_eq!(report["searched"]["unreadable"], 1);
}
