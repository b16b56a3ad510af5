//! gpsd: what it exports to programs by shared memory is what it tells those that ask by socket.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::running::{Running, content, is_root, wait_for};
use crate::tools::{have, output};

/// The keys that gpsd and its readers agree on: they cannot be private, so the namespace is.
pub(super) const EXPORT: u32 = 0x4750_5344;
pub(super) const NTP0: u32 = 0x4e54_5030;

/// A gpsd in an IPC namespace of its own, which hears one receiver by UDP.
pub(super) struct Gpsd {
    pub(super) running: Running,
    receiver: UdpSocket,
    reports: BufReader<TcpStream>,
    pub(super) folder: TempDir,
}

/// A command whose segments nobody else sees. The first shmid, 0, is taken: gcore does not name that mapping.
pub(super) fn in_namespace(program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--ipc",
        "sh",
        "-c",
        "ipcmk -M 1 >/dev/null && exec prlimit --core=unlimited \"$@\"",
        "sh",
        program,
    ]);
    command
}

/// A sentence as a receiver sends it (NMEA 0183): the sum is the exclusive or of its characters.
fn sentence(body: &str) -> String {
    format!("${body}*{:02X}\r\n", body.bytes().fold(0, |sum, byte| sum ^ byte))
}

impl Gpsd {
    /// `user`: as whom it runs; root leaves root by itself. `None` where it is not installed, or without root.
    pub(super) fn start(user: &str) -> Option<Gpsd> {
        if !have("gpsd") || !is_root() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, hears) = (free(), free());
        let mut gpsd = in_namespace("setpriv");
        let user = format!("--reuid={user}");
        gpsd.args([
            &user,
            "--",
            "gpsd",
            "-N",
            "-n",
            "-S",
            &port.to_string(),
            &format!("udp://127.0.0.1:{hears}"),
        ]);
        gpsd.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let running = Running::start(&mut gpsd);
        let mut socket = wait_for("gpsd", || TcpStream::connect(("127.0.0.1", port)).ok());
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.write_all(b"?WATCH={\"enable\":true,\"json\":true};\n").unwrap();
        // It opens its receiver some time after it has been asked to watch (proc_net(5): hexadecimal ports).
        let port = format!(":{hears:04X} ");
        wait_for("gpsd's receiver", || {
            std::fs::read_to_string("/proc/net/udp").ok().filter(|sockets| sockets.contains(&port))
        });
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.connect(("127.0.0.1", hears)).unwrap();
        Some(Gpsd { running, receiver, reports: BufReader::new(socket), folder })
    }

    /// Sends the fix of one second after the other, and answers the report of the last, which is the state of gpsd.
    pub(super) fn fixes(&mut self, seconds: std::ops::Range<u32>) -> Value {
        let last = format!(":{:02}.000Z", seconds.end - 1);
        for second in seconds {
            let time = format!("1200{second:02}.00");
            for body in [
                format!("GPGGA,{time},4807.038,N,01131.000,E,1,05,0.9,545.4,M,46.9,M,,"),
                "GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1".to_owned(),
                format!("GPRMC,{time},A,4807.038,N,01131.000,E,022.4,084.4,241126,003.1,W"),
            ] {
                self.receiver.send(sentence(&body).as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(30));
            }
        }
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.reports.read_line(&mut line).unwrap(), 0, "gpsd hung up");
            let report: Value = serde_json::from_str(&line).unwrap();
            let time = report["time"].as_str().unwrap_or_default();
            if report["class"] == "TPV"
                && report["mode"] == 3
                && time.ends_with(&last)
                && report["lat"].is_f64()
            {
                return report;
            }
        }
    }

    /// What a program in the same namespace prints.
    pub(super) fn ask(&self, program: &[&str]) -> String {
        output(
            Command::new("nsenter")
                .args(["--ipc", "--target", &self.running.pid().to_string(), "--"])
                .args(program),
        )
    }

    fn cores(&mut self) -> Vec<PathBuf> {
        let folder = self.folder.path().to_owned();
        [self.running.gcore(&folder), self.running.abort(&folder)].into_iter().flatten().collect()
    }
}

/// gpsd as a user that is not root: root's is not dumped by the kernel once it has become another.
#[test]
fn the_export_is_what_the_socket_says() {
    let Some(mut gpsd) = Gpsd::start("gpsd") else { return };
    let report = gpsd.fixes(10..14);
    for core in gpsd.cores() {
        let content = content(&core, EXPORT);
        assert_eq!(content["layout"], "gpsd", "{content:#}");
        assert_eq!(content["confidence"], "certain");
        let value = &content["value"];
        let fix = &value["fix"];
        for (field, name) in [
            ("latitude", "lat"),
            ("longitude", "lon"),
            ("altMSL", "altMSL"),
            ("speed", "speed"),
            ("track", "track"),
        ] {
            let (found, said) = (fix[field].as_f64().unwrap(), report[name].as_f64().unwrap());
            // The socket rounds.
            assert!((found - said).abs() < 1e-3, "{field} {found} {name} {said}");
        }
        assert_eq!(fix["mode"], json!({ "value": 3, "name": "3D" }));
        let seconds = output(Command::new("date").args(["--date", report["time"].as_str().unwrap(), "+%s"]));
        assert_eq!(fix["time"]["seconds"].to_string(), seconds.trim());
        assert_eq!(value["bookend1"], value["bookend2"]);
        assert_eq!(content["findings"], json!([]));
    }
}
