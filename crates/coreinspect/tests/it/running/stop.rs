//! `live --stop`: one moment, and nothing left stopped.

use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::holder::Holder;
use super::make;
use crate::program::coreinspect;

/// A number at both ends of a segment, written in turn: in a picture they differ by one step at most.
#[test]
fn a_picture_is_of_one_moment() {
    const SIZE: usize = 8 << 20;
    let Some(holder) = Holder::start(&[&make(SIZE), "turn"]) else { return };
    let layout = format!("u64 front; @{} u64 back", SIZE - 8);
    for _ in 0..20 {
        let run = holder.coreinspect(&["live", "PID", "--stop", "--json", "--layout", &layout]).ended(0);
        let document = run.document();
        let dump = &document["dumps"][0];
        let value = &dump["segments"][0]["content"]["value"];
        let (front, back) = (value["front"].as_u64().unwrap(), value["back"].as_u64().unwrap());
        assert!(front - back <= 1, "{front} {back}");
        let warning = &dump["warnings"][0];
        assert_eq!(warning["code"], "stopped", "{dump}");
        assert!(warning["message"].as_str().unwrap().contains(" ms "), "{warning}");
    }
    assert!(!holder.states().contains('t'));
}

/// Job control stops us when it has what it wants of them: not while they stand still for us.
#[test]
fn ctrl_z_lets_the_process_go_first() {
    let Some(holder) = Holder::start(&[&make(96 << 20), "turn"]) else { return };
    let mut caught = 0;
    let until = Instant::now() + Duration::from_secs(60);
    while caught < 3 && Instant::now() < until {
        let mut run = coreinspect();
        // In a process group that has a parent in another one: else the kernel passes over SIGTSTP.
        run.args(["live", &holder.pid(), "--stop"]).process_group(0);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let us = Pid::from_raw(run.id().cast_signed());
        while run.try_wait().unwrap().is_none() && !holder.states().contains('t') {}
        // It may have ended before it was seen to stop anything.
        if kill(us, Signal::SIGTSTP).is_err() {
            continue;
        }
        let stat = format!("/proc/{us}/stat");
        while run.try_wait().unwrap().is_none() {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')) {
                let states = holder.states();
                kill(us, Signal::SIGCONT).unwrap();
                assert!(!states.contains('t'), "we are stopped, and it is: {states}");
                caught += 1;
                break;
            }
        }
        assert!(run.wait().unwrap().success());
    }
    assert_eq!(caught, 3, "we were never seen stopped");
}

/// Stopped by job control, with a segment that takes a while to copy.
#[test]
fn a_large_process_that_is_stopped_already_is_no_trap() {
    let Some(holder) = Holder::start(&[&make(400 << 20)]) else { return };
    let pid = Pid::from_raw(holder.pid().parse().unwrap());
    kill(pid, Signal::SIGSTOP).unwrap();
    let began = Instant::now();
    let run = holder.coreinspect(&["live", "PID", "--stop"]);
    let took = began.elapsed();
    kill(pid, Signal::SIGCONT).unwrap();
    assert!(run.status == 0 && run.text().contains("400M"), "{run:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
}

/// The kernel lets go whom we held when we are killed.
#[test]
fn kill_9_leaves_nothing_stopped() {
    let Some(holder) = Holder::start(&[&make(96 << 20), "turn"]) else { return };
    let mut caught = 0;
    let until = Instant::now() + Duration::from_secs(60);
    while caught < 3 && Instant::now() < until {
        let mut run = coreinspect();
        run.args(["live", &holder.pid(), "--stop"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = run.spawn().unwrap();
        while run.try_wait().unwrap().is_none() {
            if holder.states().contains('t') {
                run.kill().unwrap();
                run.wait().unwrap();
                caught += 1;
                break;
            }
        }
        let until = Instant::now() + Duration::from_secs(5);
        while holder.states().contains('t') {
            assert!(Instant::now() < until, "it stays stopped: {}", holder.states());
        }
    }
    assert_eq!(caught, 3, "it never was seen stopped");
}
