use std::fs;

use shmcore::Flag;

use crate::process::Place;

fn stdout(output: &std::process::Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn a_reader_reads_and_the_writer_cleans_up() {
    let place = Place::new();
    let mut writer = place.writer(&[]);

    let status = place.segment().unwrap().status().unwrap();
    assert_eq!(status.size(), 1024);
    assert_eq!(status.permissions().to_string(), "0666");
    assert_eq!(writer.said("key"), place.key().to_string());
    assert_eq!(writer.said("shmid"), status.id().to_string());
    assert_eq!(writer.said("pid"), writer.child.id().to_string());
    // The kernel's word for where it is attached.
    let maps = fs::read_to_string(format!("/proc/{}/maps", writer.child.id())).unwrap();
    let mapping = format!("{}-", writer.said("address").trim_start_matches("0x"));
    let mapping = maps.lines().find(|line| line.starts_with(&mapping)).unwrap();
    assert!(mapping.contains(" rw-s ") && mapping.contains("SYSV"), "{mapping}");

    let reader = place.run(&["reader"]);
    assert_eq!(reader.status.code(), Some(0), "{reader:?}");
    assert!(stdout(&reader).ends_with("message: \"Hello from writer process!\"\n"), "{reader:?}");
    assert!(stdout(&reader).contains(&format!("key: {}\n", place.key())));

    let (code, said) = writer.end();
    assert_eq!(code, Some(0));
    assert_eq!(said, ["READ", &format!("removed shmid {}", status.id())]);
    assert!(place.segment().is_none());
}

#[test]
fn a_read_only_reader_leaves_the_flag_alone() {
    let place = Place::new();
    let mut writer = place.writer(&["--message", "see"]);
    for _ in 0..2 {
        let reader = place.run(&["reader", "--read-only"]);
        assert_eq!(reader.status.code(), Some(0), "{reader:?}");
        assert!(stdout(&reader).ends_with("message: \"see\"\n"), "{reader:?}");
    }
    assert!(writer.child.try_wait().unwrap().is_none(), "the writer still waits");
    let attachment = place.segment().unwrap().attach(shmcore::Access::ReadOnly).unwrap();
    assert_eq!(attachment.load(0).unwrap(), Flag::Ready.byte());
}

#[test]
fn a_reader_may_come_first() {
    let place = Place::new();
    let reader = place.demo(&["reader"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut writer = place.writer(&["--size", "5000", "--mode", "0600", "--message", "\u{1b}[31m"]);
    let reader = reader.wait_with_output().unwrap();
    assert_eq!(reader.status.code(), Some(0));
    assert!(stdout(&reader).ends_with("message: \"\\u{1b}[31m\"\n"), "escaped: {reader:?}");
    assert_eq!(writer.end().0, Some(0));
}

#[test]
fn path_and_id_choose_another_key() {
    let place = Place::new();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    for (id, byte) in [("y", b'y'), ("65", 65), ("0x80", 0x80), ("7", 7)] {
        let mut writer = place.writer(&["--path", "file", "--id", id]);
        let key = shmcore::Key::ftok(&file, byte).unwrap();
        assert_eq!(writer.said("key"), key.to_string());
        let reader = place.run(&["reader", "--path", "file", "--id", id]);
        assert_eq!(reader.status.code(), Some(0), "{reader:?}");
        assert_eq!(writer.end().0, Some(0));
        assert_eq!(shmcore::Segment::open(key).unwrap_err().code(), "not-found");
    }
}

#[test]
fn a_segment_left_behind_is_used_again() {
    let place = Place::new();
    let mut first = place.writer(&["--leak"]);
    assert_eq!(place.run(&["reader"]).status.code(), Some(0));
    assert_eq!(first.end().0, Some(0));
    let left = place.segment().unwrap();

    let mut second = place.writer(&["--message", "second"]);
    assert_eq!(second.said("shmid"), left.id().to_string());
    assert!(stdout(&place.run(&["reader"])).ends_with("message: \"second\"\n"));
    assert_eq!(second.end().0, Some(0));
    assert!(place.segment().is_none());
}
