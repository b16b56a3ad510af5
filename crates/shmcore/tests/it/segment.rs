use std::time::{Duration, SystemTime};

use shmcore::{Access, Gid, Key, OwnedSegment, Permissions, Pid, Segment, ShmId, Uid};

use crate::{key_of_its_own, private_segment};

fn is_now(time: Option<SystemTime>) -> bool {
    // The kernel cuts to seconds.
    time.unwrap().elapsed().unwrap() < Duration::from_secs(60)
}

#[test]
fn status_says_what_was_done() {
    let (key, _file) = key_of_its_own();
    let segment = OwnedSegment::new(Segment::create(key, 5000, Permissions::from_bits(0o640)).unwrap());
    let status = segment.status().unwrap();
    assert_eq!(status.id(), segment.id());
    assert_eq!(status.key(), key);
    assert_eq!(status.size(), 5000);
    assert_eq!(status.permissions().to_string(), "0640");
    assert!(!status.permissions().is_removed() && !status.permissions().is_locked());
    assert_eq!((status.owner(), status.creator()), (Uid::effective(), Uid::effective()));
    assert_eq!((status.group(), status.creator_group()), (Gid::effective(), Gid::effective()));
    assert_eq!(status.creator_pid(), Some(Pid::this()));
    assert_eq!((status.attach_count(), status.last_pid()), (0, None));
    assert_eq!((status.attached(), status.detached()), (None, None));
    assert!(is_now(status.changed()));

    let attachments = [segment.attach(Access::ReadOnly).unwrap(), segment.attach(Access::ReadWrite).unwrap()];
    let status = segment.status().unwrap();
    assert_eq!((status.attach_count(), status.last_pid()), (2, Some(Pid::this())));
    assert!(is_now(status.attached()));
    assert_eq!(status.detached(), None);

    drop(attachments);
    let status = segment.status().unwrap();
    assert_eq!(status.attach_count(), 0);
    assert!(is_now(status.detached()));
}

#[test]
fn a_removed_segment_lives_while_it_is_attached() {
    let (key, _file) = key_of_its_own();
    let segment = Segment::create(key, 100, Permissions::OWNER).unwrap();
    let attachment = segment.attach(Access::ReadWrite).unwrap();
    segment.remove().unwrap();

    let status = segment.status().unwrap();
    assert!(status.permissions().is_removed());
    assert_eq!(status.permissions().to_string(), "0600");
    assert_eq!(status.key(), Key::PRIVATE);
    assert_eq!(Segment::open(key).unwrap_err().code(), "not-found");
    attachment.write(0, b"alive").unwrap();
    assert_eq!(attachment.load(4).unwrap(), b'e');

    attachment.detach().unwrap();
    assert_eq!(segment.status().unwrap_err().code(), "removed");
    assert_eq!(segment.remove().unwrap_err().code(), "removed");
}

#[test]
fn the_same_key_opens_the_same_segment() {
    let (key, _file) = key_of_its_own();
    let created = OwnedSegment::new(Segment::open_or_create(key, 4096, Permissions::OWNER).unwrap());
    assert_eq!(Segment::open(key).unwrap(), *created);
    assert_eq!(Segment::open_or_create(key, 4096, Permissions::OWNER).unwrap(), *created);
    // A smaller size is no error, and changes nothing.
    assert_eq!(Segment::open_or_create(key, 1, Permissions::OWNER).unwrap(), *created);
    assert_eq!(created.status().unwrap().size(), 4096);
    assert_eq!(Segment::from_id(created.id()), *created);
}

#[test]
fn every_private_segment_is_another() {
    let (a, b) = (private_segment(1), private_segment(1));
    assert_ne!(a.id(), b.id());
    assert_eq!(Segment::open(Key::PRIVATE).unwrap_err().code(), "key-private");
}

#[test]
fn an_owned_segment_goes_unless_kept() {
    let owned = private_segment(1);
    let segment = *owned;
    drop(owned);
    assert_eq!(segment.status().unwrap_err().code(), "removed");

    let kept = private_segment(1).keep();
    assert_eq!(kept.status().unwrap().size(), 1);
    kept.remove().unwrap();
}

#[test]
fn modes_and_shmids_are_parsed() {
    for (text, mode) in [("0600", 0o600), ("666", 0o666), ("0", 0), ("0777", 0o777)] {
        assert_eq!(text.parse::<Permissions>().unwrap().mode(), mode);
    }
    for text in ["", "0800", "1000", "00600", "+600", "-1", "0x1", "rw"] {
        assert_eq!(text.parse::<Permissions>().unwrap_err().code(), "permissions-syntax", "{text}");
    }
    assert_eq!("32769".parse::<ShmId>().unwrap(), ShmId::from_raw(32769));
    assert_eq!("0x1".parse::<ShmId>().unwrap_err().code(), "shmid-syntax");
}
