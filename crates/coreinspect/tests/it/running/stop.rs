//! `live --stop`: one moment, and nothing left stopped.

use std::process::Stdio;
use std::time::{Duration, Instant};

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
