use std::fs;

use shmcore::{Access, Error};

use crate::private_segment;

#[test]
fn two_attachments_are_one_memory() {
    let segment = private_segment(100);
    let a = segment.attach(Access::ReadWrite).unwrap();
    let b = segment.attach(Access::ReadOnly).unwrap();
    assert_ne!(a.address(), b.address());
    assert_eq!((a.size(), a.segment(), a.access()), (100, *segment, Access::ReadWrite));

    a.write(90, b"abcdefghij").unwrap();
    a.store(0, 7).unwrap();
    let mut bytes = [0xff; 12];
    b.read(88, &mut bytes).unwrap();
    assert_eq!(&bytes, b"\0\0abcdefghij");
    assert_eq!(b.load(0).unwrap(), 7);
    drop(a);
    assert_eq!(b.load(99).unwrap(), b'j');
}

#[test]
fn bounds_are_those_of_the_segment_not_of_its_page() {
    let segment = private_segment(100);
    let attachment = segment.attach(Access::ReadWrite).unwrap();
    let mut bytes = [0xff; 2];
    attachment.write(100, b"").unwrap();
    attachment.read(100, &mut []).unwrap();
    let errors = [
        attachment.load(100).unwrap_err(),
        attachment.store(100, 1).unwrap_err(),
        attachment.read(99, &mut bytes).unwrap_err(),
        attachment.write(99, b"ab").unwrap_err(),
        attachment.write(101, b"").unwrap_err(),
        attachment.read(usize::MAX, &mut bytes).unwrap_err(),
        attachment.load(usize::MAX).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::OutOfBounds { size: 100, .. }), "{error}");
        assert!(error.to_string().contains("100 bytes"), "{error}");
    }
    assert_eq!(bytes, [0xff; 2], "a refused read changes nothing");
    assert_eq!(attachment.load(99).unwrap(), 0, "a refused write writes nothing");
}

#[test]
fn a_read_only_attachment_refuses_writes() {
    let segment = private_segment(10);
    let attachment = segment.attach(Access::ReadOnly).unwrap();
    for error in [attachment.store(0, 1).unwrap_err(), attachment.write(0, b"x").unwrap_err()] {
        assert!(matches!(error, Error::ReadOnly { id } if id == segment.id()), "{error}");
    }
    assert_eq!(attachment.load(0).unwrap(), 0);
    assert_eq!(rights_at(attachment.address()).unwrap(), "r--s");
}

#[test]
#[cfg(target_pointer_width = "64")]
fn an_address_can_be_chosen() {
    // Far below where Linux maps by itself, far above programs.
    let address = 0x1000_0000_0000;
    let segment = private_segment(10);
    let attachment = segment.attach_at(address, Access::ReadWrite).unwrap();
    assert_eq!(attachment.address(), address);
    assert_eq!(rights_at(address).unwrap(), "rw-s");
    attachment.detach().unwrap();
    assert_eq!(rights_at(address), None);
    drop(segment.attach_at(address, Access::ReadOnly).unwrap());
    assert_eq!(rights_at(address), None, "dropping detaches");
}

/// The rights of the mapping that starts at `address`, as the kernel tells.
fn rights_at(address: usize) -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let start = format!("{address:08x}-");
    let line = maps.lines().find(|line| line.starts_with(&start))?;
    line.split_whitespace().nth(1).map(str::to_owned)
}
