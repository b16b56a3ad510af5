#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::libc;
use shmcore::{Access, Error, Key, KeyParts, MappingName};

use crate::{private_segment, skip};

fn libc_ftok(path: &Path, project_id: u8) -> Key {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: `path` ends with a NUL and lives through the call.
    Key::from_raw(unsafe { libc::ftok(path.as_ptr(), i32::from(project_id)) })
}

#[test]
fn ftok_is_that_of_libc() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    let link = directory.path().join("link");
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for path in [directory.path(), &file, &link, Path::new("."), Path::new("/"), Path::new("/proc/self/maps")]
    {
        for project_id in [0, 1, b'x', 0x7f, 0x80, 0xff] {
            // /proc/self is another inode for every look, unless it is kept open.
            let _open = fs::File::open(path).unwrap();
            assert_eq!(
                Key::ftok(path, project_id).unwrap(),
                libc_ftok(path, project_id),
                "{path:?}, {project_id}"
            );
        }
    }
}

#[test]
fn ftok_of_a_missing_file_names_it() {
    let error = Key::ftok("/no/such/file", b'x').unwrap_err();
    assert_eq!(error.code(), "key-file");
    assert!(error.to_string().contains("/no/such/file"), "{error}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("No such file"));
}

#[test]
fn parts_are_those_of_the_formula() {
    let key = Key::from_bits(0x7801_c028);
    let parts = KeyParts { project_id: 0x78, device_low: 0x01, inode_low: 0xc028 };
    assert_eq!(key.parts(), parts);
    assert_eq!(Key::from_parts(parts), key);
    assert_eq!(parts.project_char(), Some('x'));
    for (project_id, character) in
        [(0x1f, None), (0x20, Some(' ')), (0x7e, Some('~')), (0x7f, None), (0xe9, None)]
    {
        assert_eq!(KeyParts { project_id, ..parts }.project_char(), character);
    }
    let negative = Key::from_raw(-2);
    assert_eq!(negative.parts(), KeyParts { project_id: 0xff, device_low: 0xff, inode_low: 0xfffe });
    assert_eq!(Key::from_parts(negative.parts()), negative);
}

#[test]
fn every_spelling_is_parsed() {
    for (text, bits) in [
        ("0x7800c028", 0x7800_c028),
        ("0X7800C028", 0x7800_c028),
        ("0x0", 0),
        ("0xffffffff", 0xffff_ffff),
        ("7800c028", 0x7800_c028),
        ("7800C028", 0x7800_c028),
        ("deadbeef", 0xdead_beef),
        ("SYSV7800c028", 0x7800_c028),
        ("/SYSV7800c028", 0x7800_c028),
        ("/SYSV7800c028 (deleted)", 0x7800_c028),
        ("SYSV12345678", 0x1234_5678),
        ("2013315112", 0x7800_c028),
        ("0", 0),
        ("-1", 0xffff_ffff),
        ("-2147483648", 0x8000_0000),
        ("4294967295", 0xffff_ffff),
        ("2147483648", 0x8000_0000),
        // Digits only are decimal, eight of them too.
        ("12345678", 12_345_678),
        ("00000010", 10),
    ] {
        assert_eq!(text.parse::<Key>().unwrap().bits(), bits, "{text}");
    }
}

#[test]
fn other_texts_are_refused_and_told_what_a_key_looks_like() {
    for text in [
        "",
        " ",
        "-",
        "--1",
        "+1",
        "0x",
        "0xg",
        "0x+1",
        "x",
        "7800c02",
        "7800c0288",
        "7800c02g",
        "SYSV",
        "SYSV4",
        "/SYSVOL",
        "SYSV7800c0288",
        "SYSV+800c028",
        "//SYSV7800c028",
        "/SYSV7800c028 (deleted) ",
        "7800c028 (deleted)",
        "-7800c028",
        "1.0",
        "1_000",
        "é800c028",
        "\u{1b}[31m",
    ] {
        let error = text.parse::<Key>().unwrap_err();
        assert_eq!(error.code(), "key-syntax", "{text:?}");
        assert!(error.to_string().contains("0x7800c028") && !error.to_string().contains('\u{1b}'), "{error}");
    }
    for text in ["4294967296", "-2147483649", "0x100000000", "99999999999999999999999999"] {
        assert!(matches!(text.parse::<Key>(), Err(Error::KeyRange { .. })), "{text}");
    }
}

#[test]
fn eight_digits_have_two_readings() {
    let readings = |text| Key::readings(text).unwrap().into_iter().map(Key::bits).collect::<Vec<_>>();
    assert_eq!(readings("12345678"), [12_345_678, 0x1234_5678]);
    assert_eq!(readings("00000000"), [0]);
    assert_eq!(readings("1234567"), [1_234_567]);
    assert_eq!(readings("123456789"), [123_456_789]);
    assert_eq!(readings("-1234567"), [1_234_567u32.wrapping_neg()]);
    assert_eq!(readings("1234567a"), [0x1234_567a]);
    assert_eq!(readings("0x12345678"), [0x1234_5678]);
}

#[test]
fn printed_spellings_are_those_of_c() {
    // printf 0x%08x, %d, %u, /SYSV%08x
    for (bits, hexadecimal, signed, unsigned, name) in [
        (0x7800_c028, "0x7800c028", "2013315112", "2013315112", "/SYSV7800c028 (deleted)"),
        (0xcafe_f00d, "0xcafef00d", "-889262067", "3405705229", "/SYSVcafef00d (deleted)"),
        (0x1f, "0x0000001f", "31", "31", "/SYSV0000001f (deleted)"),
        (0, "0x00000000", "0", "0", "/SYSV00000000 (deleted)"),
    ] {
        let key = Key::from_bits(bits);
        assert_eq!(key.to_string(), hexadecimal);
        assert_eq!(key.hexadecimal().to_string(), hexadecimal);
        assert_eq!(key.signed_decimal().to_string(), signed);
        assert_eq!(key.unsigned_decimal().to_string(), unsigned);
        assert_eq!(key.mapping_name().to_string(), name);
        for text in [hexadecimal, signed, unsigned, name] {
            assert_eq!(text.parse::<Key>().unwrap(), key, "{text}");
        }
        assert_eq!(Key::from_mapping_name(name.as_bytes()), Some(MappingName { key, deleted: true }));
    }
}

#[test]
fn the_kernel_names_mappings_so() {
    let segment = private_segment(1);
    let attachment = segment.attach(Access::ReadOnly).unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let start = format!("{:08x}-", attachment.address());
    let Some(line) = maps.lines().find(|line| line.starts_with(&start)) else {
        panic!("{start} is not in {maps}");
    };
    if !line.contains("/SYSV") {
        return skip("this kernel names mappings in its own way (gVisor?)");
    }
    let name = line.get(line.find('/').unwrap()..).unwrap();
    assert_eq!(
        Key::from_mapping_name(name.as_bytes()),
        Some(MappingName { key: Key::PRIVATE, deleted: true }),
        "{line}"
    );
    assert_eq!(Key::PRIVATE.mapping_name().to_string(), name);
}

#[test]
fn other_names_are_no_segments() {
    for name in [
        &b""[..],
        b"/SYSV",
        b"/SYSVOL",
        b"/SYSV4",
        b"/SYSV4 (deleted)",
        b"/memfd:SYSV12345678 (deleted)",
        b"/dir/SYSV12345678",
        b"/dir/SYSV12345678 (deleted)",
        b"SYSV12345678 (deleted)",
        b"/SYSVDEADBEEF (deleted)",
        b"/SYSVdeadbeef (deleted) (deleted)",
        b"/SYSVdeadbeef(deleted)",
        b"/SYSVdeadbeef0 (deleted)",
        b"/SYSV-1234567 (deleted)",
        b"/sysv12345678 (deleted)",
    ] {
        assert_eq!(Key::from_mapping_name(name), None, "{}", name.escape_ascii());
    }
    let name = Key::from_mapping_name(b"/SYSV12345678").unwrap();
    assert_eq!(name, MappingName { key: Key::from_bits(0x1234_5678), deleted: false });
}

/// Each byte set to each value: only lower-case hexadecimal digits in the place of digits are names, and then of
/// the key that has this digit there.
#[test]
fn one_byte_makes_the_difference() {
    let name = *b"/SYSV00000000 (deleted)";
    for at in 0..name.len() {
        for byte in 0..=u8::MAX {
            let mut changed = name;
            changed[at] = byte;
            let digit = b"0123456789abcdef".iter().position(|&digit| digit == byte);
            let expected = match (at, digit) {
                (5..13, Some(digit)) => Some(Key::from_bits((digit as u32) << (4 * (12 - at)))),
                (5..13, None) => None,
                _ => (changed == name).then_some(Key::PRIVATE),
            };
            let found = Key::from_mapping_name(&changed).map(|name| name.key);
            assert_eq!(found, expected, "{}", changed.escape_ascii());
        }
        if at != 13 {
            assert_eq!(Key::from_mapping_name(&name[..at]), None);
        }
    }
}
