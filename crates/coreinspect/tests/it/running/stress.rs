//! Processes that come, go, execute other programs and write as fast as they can, while they are looked at (F10).

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::holder::{Holder, compile};
use super::{key, make};
use crate::program::{Run, coreinspect};

/// Children that attach a segment, write, and end or execute another program, over and over: their pids, a line each.
const CHURN: &str = r#"
i=0
while [ $i -lt $2 ]; do
    i=$((i + 1))
    if [ $((i % 2)) = 0 ]; then end='exec true'; else end=exit; fi
    (
        printf '%s\n' "$BASHPID"
        exec "$1" "make:$3:65536" turn </dev/null >/dev/null
    ) &
    ( printf '%s\n' "$BASHPID"; read -r -t 0.002 <> <(:); $end ) &
    wait
done
"#;

#[test]
fn exits_and_execs_do_not_confuse_it() {
    const ROUNDS: usize = 500;
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), &[]) else { return };
    let mut churn = Command::new("bash");
    churn.args(["-c", CHURN, "churn"]).arg(&program).args([&ROUNDS.to_string(), &key()]);
    let mut churn = churn.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pids = std::io::BufRead::lines(std::io::BufReader::new(churn.stdout.take().unwrap()));
    let mut statuses = [0; 3];
    let mut looked_at = 0;
    for (at, pid) in pids.map_while(Result::ok).enumerate() {
        // Every other is held still.
        let stop: &[&str] = if at % 4 == 0 { &["--stop"] } else { &[] };
        if at % 3 == 0 {
            let run = Run::of(coreinspect().args(["live", &pid, "--json"]).args(stop));
            statuses[run.status as usize] += 1;
            let document = run.document();
            assert!(document["dumps"].is_array(), "{document}");
            looked_at += 1;
        }
    }
    churn.wait().unwrap();
    assert!(looked_at > ROUNDS / 2, "{statuses:?}");
    println!("{looked_at} looks: {statuses:?} by status");
}

/// What changes while it is read is called so, and never certain to be of one moment.
#[test]
fn a_writer_at_full_speed_is_called_one() {
    let Some(holder) = Holder::start(&[&make(8192), "turn"]) else { return };
    // On a busy machine the writer seldom runs in the moment between two reads.
    let until = Instant::now() + Duration::from_secs(30);
    let mut changing = false;
    while !changing && Instant::now() < until {
        let run = holder.coreinspect(&["live", "PID", "--json", "--layout", "u64 a"]).ended(0);
        let warnings = run.document()["dumps"][0]["warnings"].to_string();
        assert!(warnings.contains("\"live\""), "{warnings}");
        changing = warnings.contains("\"changing\"");
    }
    assert!(changing, "it never was seen to change");
    let until = Instant::now() + Duration::from_secs(5);
    while holder.states().contains(['t', 'T']) {
        assert!(Instant::now() < until, "{}", holder.states());
    }
}
