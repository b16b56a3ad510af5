//! What the program that stored a dump knew of the process, and wrote beside it: evidence of the handler, not of the dump.
//!
//! systemd-coredump sets extended attributes `user.coredump.*` of the file it stores (systemd, src/coredump/coredump.c
//! `fix_xattr`); abrt keeps a folder of one fact a file (libreport, "problem data"); apport's reports, unpacked by
//! apport-unpack, are such a folder too.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::libc;

/// A fact is short; more of a file, or of an attribute, is not read: bytes.
const LONGEST: usize = 4096;

/// What a handler told. Every field is `None` unless it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handler {
    /// Which: "systemd-coredump", "abrt", "apport".
    pub name: &'static str,
    /// The process id, in the namespace of the handler.
    pub pid: Option<u32>,
    /// The real user id.
    pub uid: Option<u32>,
    /// The real group id.
    pub gid: Option<u32>,
    /// The signal's number.
    pub signal: Option<u32>,
    /// When it died: seconds since 1970.
    pub time: Option<u64>,
    /// The name of the thread that died.
    pub command: Option<Vec<u8>>,
    /// The program.
    pub executable: Option<Vec<u8>>,
    /// The command line.
    pub arguments: Option<Vec<u8>>,
    /// The machine it ran on.
    pub hostname: Option<Vec<u8>>,
    /// RLIMIT_CORE of the process, bytes; `u64::MAX` is none.
    pub limit: Option<u64>,
}

impl Handler {
    /// What systemd-coredump told in the attributes of `file`; `None` if there are none.
    pub(super) fn of_attributes(file: &File) -> Option<Self> {
        let mut names = vec![0_u8; LONGEST];
        let length = rustix::fs::flistxattr(file, names.as_mut_slice()).ok()?;
        let names = names.get(..length)?;
        if !names.split(|byte| *byte == 0).any(|name| name.starts_with(b"user.coredump.")) {
            return None;
        }
        let text = |name: &str| {
            let mut value = vec![0_u8; LONGEST];
            let name = format!("user.coredump.{name}");
            let length = rustix::fs::fgetxattr(file, name.as_str(), value.as_mut_slice()).ok()?;
            value.truncate(length);
            known(&value)
        };
        Some(Self {
            name: "systemd-coredump",
            pid: number(text("pid")),
            uid: number(text("uid")),
            gid: number(text("gid")),
            signal: number(text("signal")),
            time: text("timestamp").and_then(timestamp).map(|time| time.as_secs()),
            command: text("comm"),
            executable: text("exe"),
            arguments: None,
            hostname: text("hostname"),
            limit: number(text("rlimit")),
        })
    }

    /// Whether systemd-coredump stored the file called `name`, by the shape of its name (src/coredump/coredump.c
    /// `make_filename`): `core.COMMAND.UID.BOOT.PID.TIME`, the boot in 32 hexadecimal digits, and what it is packed with.
    pub fn is_named_by_systemd(name: &str) -> bool {
        let mut parts = name.rsplit('.').skip_while(|part| part.parse::<u64>().is_err());
        let [time, pid, boot, uid] = [(); 4].map(|()| parts.next().unwrap_or_default());
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        name.starts_with("core.")
            && [time, pid, uid].into_iter().all(is_number)
            && boot.len() == 32
            && boot.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// What in the settings of this handler keeps the next dump whole; `None` where it obeys those of the process alone.
    pub fn limit_to_raise(&self) -> Option<&'static str> {
        match self.name {
            "systemd-coredump" if self.limit.is_none_or(|limit| limit == u64::MAX) => {
                Some(Self::LIMIT_OF_SYSTEMD)
            }
            "abrt" => Some(
                "raise MaxCoreFileSize in /etc/abrt/plugins/CCpp.conf (where it is 0, MaxCrashReportsSize in \
                 /etc/abrt/abrt.conf) before the next dump, and keep that much disk space",
            ),
            _ => None,
        }
    }

    /// The settings of systemd-coredump (coredump.conf(5)).
    pub const LIMIT_OF_SYSTEMD: &'static str = "raise ProcessSizeMax= and ExternalSizeMax= in \
         /etc/systemd/coredump.conf before the next dump, and keep that much disk space";

    /// What abrt or apport-unpack left beside the dump in `folder`; `None` if it is not theirs.
    pub(super) fn of_folder(folder: &Path) -> Option<Self> {
        let text = |name: &str| {
            let file = File::options()
                .read(true)
                .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
                .open(folder.join(name))
                .ok()?;
            if !file.metadata().ok()?.is_file() {
                return None;
            }
            let mut value = Vec::new();
            file.take(LONGEST as u64).read_to_end(&mut value).ok()?;
            known(&value)
        };
        if let (Some(kind), Some(_)) = (text("type"), text("executable").or_else(|| text("pid"))) {
            let signal = text("signal").or_else(|| (kind == b"CCpp").then(|| text("reason"))?);
            return Some(Self {
                name: "abrt",
                pid: number(text("global_pid").or_else(|| text("pid"))),
                uid: number(text("uid")),
                gid: number(text("gid")),
                signal: number(signal),
                time: number(text("time")),
                command: None,
                executable: text("executable"),
                arguments: text("cmdline"),
                hostname: text("hostname"),
                limit: None,
            });
        }
        text("ProblemType")?;
        Some(Self {
            name: "apport",
            signal: number(text("Signal")),
            executable: text("ExecutablePath"),
            arguments: text("ProcCmdline"),
            ..Self::default()
        })
    }
}

/// When the process in the dump at `path` died, as systemd-coredump wrote beside it: since 1970.
pub fn time_of_death(path: &Path) -> Option<Duration> {
    let mut value = vec![0_u8; LONGEST];
    let length = rustix::fs::getxattr(path, "user.coredump.timestamp", value.as_mut_slice()).ok()?;
    value.truncate(length);
    timestamp(value)
}

/// Seconds as the kernel's %t has them; microseconds since systemd counts so.
fn timestamp(text: Vec<u8>) -> Option<Duration> {
    let time = number(Some(text))?;
    Some(if time < 1 << 40 { Duration::from_secs(time) } else { Duration::from_micros(time) })
}

/// Without the line's end; `None` if nothing is left.
fn known(value: &[u8]) -> Option<Vec<u8>> {
    let value = value.trim_ascii_end();
    (!value.is_empty()).then(|| value.to_vec())
}

fn number<N: std::str::FromStr>(text: Option<Vec<u8>>) -> Option<N> {
    std::str::from_utf8(&text?).ok()?.trim().parse().ok()
}
