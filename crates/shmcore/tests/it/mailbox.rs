use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use shmcore::{Access, Error, Flag, Mailbox, Segment};

use crate::private_segment;

const LONG: Duration = Duration::from_secs(20);

fn attach(segment: Segment) -> Mailbox {
    Mailbox::new(segment.attach(Access::ReadWrite).unwrap()).unwrap()
}

#[test]
fn bytes_lie_where_c_programs_look() {
    let segment = private_segment(16);
    let mailbox = attach(*segment);
    assert_eq!(mailbox.flag().unwrap(), Flag::Empty);
    assert_eq!(mailbox.message().unwrap(), b"");
    mailbox.write(b"a long message").unwrap();
    mailbox.write(b"hello").unwrap();

    let mut bytes = [0; 16];
    mailbox.attachment().read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"\x01hello\0 message\0");
}

#[test]
fn every_flag_has_a_byte_and_a_name() {
    let segment = private_segment(2);
    let mailbox = attach(*segment);
    for (byte, flag, name) in [
        (0, Flag::Empty, "empty"),
        (1, Flag::Ready, "ready"),
        (2, Flag::Read, "read"),
        (0x80, Flag::Unknown(0x80), "unknown (128)"),
    ] {
        mailbox.attachment().store(0, byte).unwrap();
        assert_eq!(mailbox.flag().unwrap(), flag);
        assert_eq!(flag.to_string(), name);
        mailbox.attachment().store(0, 99).unwrap();
        mailbox.set_flag(flag).unwrap();
        assert_eq!(mailbox.attachment().load(0).unwrap(), byte);
    }
}

#[test]
fn a_message_that_cannot_be_one_changes_nothing() {
    let segment = private_segment(8);
    let mailbox = attach(*segment);
    assert_eq!(mailbox.capacity(), 6);
    let long = mailbox.write(b"1234567").unwrap_err();
    assert!(matches!(long, Error::MessageTooLong { length: 7, size: 8 }));
    assert!(long.to_string().contains("7 bytes") && long.to_string().contains("6 are left"), "{long}");
    assert!(matches!(mailbox.write(b"ab\0d"), Err(Error::MessageHoldsNul { at: 2, length: 4 })));
    let mut bytes = [1; 8];
    mailbox.attachment().read(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 8]);
    mailbox.write(b"123456").unwrap();
    assert_eq!(mailbox.message().unwrap(), b"123456");
}

#[test]
fn a_message_without_an_end_is_an_error() {
    let segment = private_segment(8);
    let mailbox = attach(*segment);
    mailbox.attachment().write(0, b"\x01AAAAAAA").unwrap();
    assert!(matches!(mailbox.message(), Err(Error::MessageUnterminated { size: 8 })));
}

#[test]
fn a_mailbox_needs_two_bytes() {
    let one = private_segment(1);
    let error = Mailbox::new(one.attach(Access::ReadWrite).unwrap()).unwrap_err();
    assert!(matches!(error, Error::MailboxTooSmall { size: 1 }));
    assert_eq!(attach(*private_segment(2)).capacity(), 0);
}

#[test]
fn a_read_only_mailbox_reads() {
    let segment = private_segment(100);
    attach(*segment).write(b"hello").unwrap();
    let reader = Mailbox::new(segment.attach(Access::ReadOnly).unwrap()).unwrap();
    reader.wait_for(Flag::Ready, Duration::ZERO).unwrap();
    assert_eq!(reader.message().unwrap(), b"hello");
    assert_eq!(reader.set_flag(Flag::Read).unwrap_err().code(), "read-only");
    assert_eq!(reader.write(b"x").unwrap_err().code(), "read-only");
    assert_eq!(reader.flag().unwrap(), Flag::Ready);
}

#[test]
fn waiting_ends_in_time_and_sleeps() {
    let segment = private_segment(100);
    let mailbox = attach(*segment);
    let (start, sleeps) = (Instant::now(), sleeps_of_this_thread());
    let error = mailbox.wait_for(Flag::Read, Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, Error::TimedOut { wanted: Flag::Read, found: Flag::Empty, .. }));
    assert_eq!(error.to_string(), "waited 300ms for the flag to become read, it is still empty");
    assert!(start.elapsed() >= Duration::from_millis(300));
    // A loaded machine makes them fewer, a busy loop has none.
    let sleeps = sleeps_of_this_thread() - sleeps;
    assert!(sleeps >= 5, "{sleeps} sleeps");
    assert!(mailbox.wait_for(Flag::Empty, Duration::ZERO).is_ok());
    assert!(mailbox.wait_for(Flag::Empty, Duration::MAX).is_ok());
}

fn sleeps_of_this_thread() -> u32 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

/// A flag that ran ahead of its message, or a message that was overtaken, would show as a mix of letters.
#[test]
fn messages_arrive_whole_and_in_order() {
    let segment = private_segment(4096);
    let (writer, reader) = (attach(*segment), attach(*segment));
    thread::scope(|scope| {
        scope.spawn(move || {
            for turn in 0..100u8 {
                let message = vec![b'A' + turn % 26; writer.capacity() - usize::from(turn)];
                writer.write(&message).unwrap();
                writer.wait_for(Flag::Read, LONG).unwrap();
            }
        });
        for turn in 0..100u8 {
            reader.wait_for(Flag::Ready, LONG).unwrap();
            let message = reader.message().unwrap();
            assert_eq!(message.len(), 4094 - usize::from(turn));
            assert!(message.iter().all(|&byte| byte == b'A' + turn % 26));
            reader.set_flag(Flag::Read).unwrap();
        }
    });
}
