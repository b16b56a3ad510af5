use std::fs;

use shmcore::{Access, Error, Key, OwnedSegment, Permissions, Segment, ShmId};

use crate::namespace::{as_nobody, in_new_ipc_namespace};
use crate::{key_of_its_own, private_segment, skip};

/// The code is stable, and the message holds all that the reader needs.
fn check<T>(result: Result<T, Error>, code: &str, parts: &[&str]) {
    let Err(error) = result else { panic!("{code} was expected") };
    assert_eq!(error.code(), code, "{error}");
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing: {message}");
    }
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn keys_that_exist_or_do_not() {
    let (key, _file) = key_of_its_own();
    let name = key.to_string();
    check(Segment::open(key), "not-found", &["open", &name, "ENOENT", "ipcs -m"]);
    let _segment = OwnedSegment::new(Segment::create(key, 1024, Permissions::OWNER).unwrap());
    check(Segment::create(key, 1024, Permissions::OWNER), "exists", &["EEXIST", &name, "ipcrm -M"]);
}

#[test]
fn sizes() {
    let (key, _file) = key_of_its_own();
    check(Segment::create(key, 0, Permissions::OWNER), "size", &["0 bytes", "EINVAL", "kernel.shmmax"]);
    let _segment = OwnedSegment::new(Segment::create(key, 1024, Permissions::OWNER).unwrap());
    check(
        Segment::open_or_create(key, 1025, Permissions::OWNER),
        "size-mismatch",
        &["EINVAL", "1025", "1024", &key.to_string()],
    );
}

#[test]
fn limits() {
    in_new_ipc_namespace(|| {
        let create = |pages: usize| Segment::create(Key::PRIVATE, pages * 4096, Permissions::OWNER);
        let limit = |name, value: &str| fs::write(format!("/proc/sys/kernel/{name}"), value).unwrap();

        limit("shmmax", "8192");
        check(create(1000), "size", &["EINVAL", "8192", "shmmax"]);
        limit("shmall", "1");
        check(create(2), "too-many-pages", &["ENOSPC", "1 pages", "kernel.shmall"]);
        limit("shmmni", "1");
        create(1).unwrap();
        check(create(1), "too-many-segments", &["ENOSPC", "1 segments", "kernel.shmmni"]);
    });
}

#[test]
fn more_than_there_is() {
    match Segment::create(Key::PRIVATE, 1 << (usize::BITS - 4), Permissions::OWNER) {
        Ok(segment) => {
            segment.remove().unwrap();
            skip("this kernel promises any amount of memory");
        }
        error => check(error, "no-memory", &["create", "ENOMEM", "overcommit"]),
    }
}

#[test]
fn rights() {
    let segment = private_segment(10);
    let (key, _file) = key_of_its_own();
    let readable = OwnedSegment::new(Segment::create(key, 10, Permissions::from_bits(0o644)).unwrap());
    as_nobody(|| {
        let denied = ["EACCES", "uid 0 owns it with mode 0600"];
        check(segment.attach(Access::ReadOnly), "denied", &denied);
        check(segment.status(), "denied", &denied);
        check(segment.remove(), "denied", &["EPERM", "uid 0", "0600", &format!("shmid {}", segment.id())]);
        check(readable.attach(Access::ReadWrite), "denied", &["read-write", "mode 0644"]);
        check(Segment::open_or_create(key, 10, Permissions::EVERYBODY), "denied", &["mode 0644"]);
        assert_eq!(readable.attach(Access::ReadOnly).unwrap().load(9).unwrap(), 0);
    });
}

#[test]
fn numbers_of_no_segment() {
    let segment = *private_segment(10);
    check(segment.attach(Access::ReadOnly), "removed", &["attach", "EINVAL", &segment.id().to_string()]);
    check(segment.attach_at(0x1000_0000, Access::ReadOnly), "removed", &["attach"]);
    check(Segment::from_id(ShmId::from_raw(-1)).status(), "removed", &["stat shmid -1", "EINVAL"]);
}

#[test]
fn addresses() {
    let segment = private_segment(10);
    let attachment = segment.attach(Access::ReadOnly).unwrap();
    let taken = attachment.address();
    check(
        segment.attach_at(taken, Access::ReadOnly),
        "address-taken",
        &["read-only", &format!("at {taken:#x}"), "EINVAL", "/proc/self/maps"],
    );
    check(segment.attach_at(taken + 8, Access::ReadWrite), "address-unaligned", &["multiple of 0x1000"]);
    check(segment.attach_at(0, Access::ReadWrite), "address-unaligned", &["not 0"]);
}
