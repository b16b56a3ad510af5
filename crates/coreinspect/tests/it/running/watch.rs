//! `live --watch`: a line a change in a pipe, a screen that is given back on a terminal.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::holder::Holder;
use super::make;
use crate::program::coreinspect;
use crate::tools::have;

#[test]
fn in_a_pipe_each_change_is_a_line() {
    let Some(mut holder) = Holder::start(&[&make(4096), "text:0:\u{1}first"]) else { return };
    let mut watch = coreinspect();
    watch.args(["live", &holder.pid(), "--watch", "--interval", "20ms"]);
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut before = 0.0;
    for text in ["first", "second", "third"] {
        if text != "first" {
            holder.write(text);
        }
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&line["schema"], &line["kind"]), (&"coreinspect/1".into(), &"process".into()));
        assert_eq!(line["segments"][0]["content"]["value"]["message"]["text"], text);
        let time = line["time"].as_f64().unwrap();
        assert!(time > before && time > 1.7e9, "{time}");
        before = time;
    }
    let pid = holder.pid();
    holder.kill();
    assert!(lines.next().is_none(), "nothing changed but that it ended");
    let output = watch.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("coreinspect: process {pid} has ended\n"));
}

/// Runs the watch on a terminal of its own, sends it `keys` when it has drawn, and prints its status, whether the terminal is as
/// before, and what it wrote.
const ON_A_TERMINAL: &str = r#"
import os, pty, select, sys, termios, time
keys, words = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execv(words[0], words)
before = termios.tcgetattr(terminal)
written = b""
sent = False
until = time.time() + 20
while time.time() < until:
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if ready:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        written += chunk
    if not sent and b"q quits" in written and b"here" in written:
        during = termios.tcgetattr(terminal)
        os.write(terminal, keys.encode())
        sent = True
    if sent:
        try:
            after = termios.tcgetattr(terminal)
        except termios.error:
            pass
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), before == after, before != during)
sys.stdout.flush()
os.write(1, written)
"#;

#[test]
fn q_and_ctrl_c_give_the_terminal_back() {
    if !have("python3") {
        return;
    }
    let Some(holder) = Holder::start(&[&make(4096), "text:0:\u{1}I am here"]) else { return };
    for (key, status) in [("q", "0"), ("\u{3}", "-2")] {
        let mut python = Command::new("python3");
        python.args(["-c", ON_A_TERMINAL, key, env!("CARGO_BIN_EXE_coreinspect")]);
        let output = python.args(["live", &holder.pid(), "--watch"]).env("TERM", "xterm").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (verdict, written) = text.split_once('\n').unwrap_or_else(|| panic!("{output:?}"));
        assert_eq!(verdict, format!("{status} True True"), "{written}");
        let (screen, left) = written.rsplit_once("\u{1b}[?1049l").unwrap();
        assert!(screen.starts_with("\u{1b}[?1049h") && screen.contains("q quits"), "{written:?}");
        assert!(left.contains("I am here"), "what was seen last stays: {written:?}");
    }
}
