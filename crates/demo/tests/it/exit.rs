use std::io::Read;
use std::process::{Output, Stdio};

use nix::sys::signal::Signal;

use crate::process::Place;

/// One line that begins with the program's name and holds `parts`.
fn check(output: &Output, code: i32, parts: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(message.starts_with("demo: ") && message.ends_with('\n'), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing: {message}");
    }
}

#[test]
fn signals_leave_no_segment() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let place = Place::new();
        let mut writer = place.writer(&[]);
        assert!(place.segment().is_some());
        writer.signal(signal);
        let (code, said) = writer.end();
        assert_eq!(code, Some(0));
        assert_eq!(said[0], format!("stopped by {}", signal.as_str()));
        assert!(place.segment().is_none(), "after {signal}");
    }
}

#[test]
fn time_outs_are_status_1() {
    let place = Place::new();
    check(
        &place.run(&["reader", "--timeout", "0.05"]),
        1,
        &["cannot open", &place.key().to_string(), "ENOENT"],
    );
    let writer = place.run(&["writer", "--timeout", "0.05"]);
    check(&writer, 1, &["waited 50ms", "to become read", "still ready"]);
    assert!(place.segment().is_none());

    let left = place.run(&["writer", "--timeout", "0", "--leak"]);
    check(&left, 1, &["still ready"]);
    assert!(String::from_utf8_lossy(&left.stdout).contains("ipcrm -m"));
    place.segment().unwrap().attach(shmcore::Access::ReadWrite).unwrap().store(0, 9).unwrap();
    check(&place.run(&["reader", "--timeout", "0"]), 1, &["to become ready", "still unknown (9)"]);
}

#[test]
fn errors_are_status_2() {
    let place = Place::new();
    check(&place.run(&["writer", "--path", "nowhere"]), 2, &["\"nowhere\"", "No such file or directory"]);
    check(&place.run(&["writer", "--size", "10"]), 2, &["26 bytes", "10 bytes"]);
    check(&place.run(&["writer", "--size", "0"]), 2, &["0 bytes", "EINVAL"]);
    assert!(place.segment().is_none());
    let _writer = place.writer(&[]);
    check(&place.run(&["writer", "--size", "1025"]), 2, &["1025", "1024", "EINVAL"]);
    for arguments in
        [&["writer", "--id", "256"][..], &["writer", "--id", "ab"], &["reader", "--timeout", "-1"], &["x"]]
    {
        assert_eq!(place.run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let place = Place::new();
    let mut command = place.demo(&["writer", "--timeout", "0"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    let mut message = String::new();
    child.stderr.take().unwrap().read_to_string(&mut message).unwrap();
    assert_eq!((child.wait().unwrap().code(), message.as_str()), (Some(0), ""));
    assert!(place.segment().is_none());
}
