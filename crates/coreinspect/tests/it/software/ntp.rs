//! The shared memory of NTP's reference clocks: gpsd writes it, chronyd and ntpshmmon read it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::gpsd::{Gpsd, NTP0};
use super::running::{Running, content, gcore, wait_for};
use crate::tools::{have, output};

/// Seconds of a value that has the number, or the number and a date.
fn seconds(value: &Value) -> i64 {
    value.as_i64().or_else(|| value["value"].as_i64()).unwrap_or_else(|| panic!("{value}"))
}

/// ntpshmmon prints `sample NTP0 SEEN CLOCK REAL LEAP PRECISION`: when the clock said so by the machine's time, and what
/// the clock said.
fn sample(printed: &str) -> (f64, f64, i64, i64) {
    let line =
        printed.lines().find(|line| line.starts_with("sample NTP0")).unwrap_or_else(|| panic!("{printed}"));
    let words: Vec<_> = line.split_whitespace().collect();
    (
        words[3].parse().unwrap(),
        words[4].parse().unwrap(),
        words[5].parse().unwrap(),
        words[6].parse().unwrap(),
    )
}

#[test]
fn what_gpsd_writes_is_what_ntpshmmon_reads() {
    let Some(mut gpsd) = Gpsd::start("root") else { return };
    gpsd.fixes(20..24);
    let (clock, real, leap, precision) = sample(&gpsd.ask(&["ntpshmmon", "-n", "1", "-t", "5"]));
    let Some(core) = gpsd.running.gcore(gpsd.folder.path()) else { return };
    let told = content(&core, NTP0);
    assert_eq!((&told["layout"], &told["confidence"]), (&json!("ntp-shm"), &json!("certain")), "{told:#}");
    let value = &told["value"];
    let time = |name: &str| {
        let nanoseconds = value[format!("{name}NSec")].as_f64().unwrap();
        seconds(&value[format!("{name}Sec")]) as f64 + nanoseconds / 1e9
    };
    assert!((time("receiveTimeStamp") - clock).abs() < 1e-6, "{clock} {value}");
    assert!((time("clockTimeStamp") - real).abs() < 1e-6, "{real} {value}");
    assert_eq!((value["leap"]["value"].as_i64(), value["precision"].as_i64()), (Some(leap), Some(precision)));
    assert_eq!(value["mode"], 1);
    assert_eq!(value["valid"], 1, "nobody has taken it");
    assert_eq!(value["count"].as_i64().unwrap() % 2, 0, "no write is going on");
    assert_eq!(told["findings"], json!([]));

    // Its other segments were never written to: all zero.
    let never = content(&core, NTP0 + 4);
    assert_ne!(never["confidence"], "certain", "{never:#}");
    assert_ne!(never["layout"], "mailbox");
}

/// chronyd marks as taken what it has read.
#[test]
fn what_chronyd_has_read_is_not_valid_any_more() {
    let Some(mut gpsd) = Gpsd::start("root").filter(|_| have("chronyd") && have("chronyc")) else { return };
    let folder = tempfile::tempdir().unwrap();
    // chronyd makes its socket where nobody else may look.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let (settings, socket) = (folder.path().join("chrony.conf"), folder.path().join("socket"));
    let own = |line: &str, file: &str| format!("{line} {}\n", folder.path().join(file).display());
    let lines = [
        "refclock SHM 0 refid TEST poll 0\nport 0\ncmdport 0\n".to_owned(),
        own("bindcmdaddress", "socket"),
        own("pidfile", "pid"),
    ];
    fs::write(&settings, lines.concat()).unwrap();
    let mut chronyd = Command::new("nsenter");
    chronyd.args([
        "--ipc",
        "--target",
        &gpsd.running.pid().to_string(),
        "chronyd",
        "-x",
        "-d",
        "-u",
        "root",
        "-f",
    ]);
    let running = Running::start(chronyd.arg(&settings).stdout(Stdio::null()).stderr(Stdio::null()));
    wait_for("chronyd", || socket.exists().then_some(()));
    gpsd.fixes(30..34);
    let mut second = 34;
    wait_for("chronyd to read", || {
        gpsd.fixes(second..second + 1);
        second += 1;
        std::thread::sleep(std::time::Duration::from_millis(1200));
        let monitor = gpsd.ask(&["ipcs", "-m"]);
        assert!(monitor.contains("0x4e545030"), "{monitor}");
        let core = gcore(running.pid(), folder.path())?;
        let value = content(&core, NTP0)["value"].take();
        (value["valid"] == 0).then_some(())
    });
    let sources = output(Command::new("chronyc").arg("-h").arg(&socket).args(["-c", "sources"]));
    assert!(sources.contains("TEST"), "{sources}");
    let Some(core) = gcore(running.pid(), folder.path()) else { return };
    let told = content(&core, NTP0);
    assert_eq!((&told["layout"], &told["confidence"]), (&json!("ntp-shm"), &json!("certain")), "{told:#}");
    assert_eq!((&told["value"]["mode"], &told["value"]["valid"]), (&json!(1), &json!(0)));
}
