//! A process with a queue in a segment, compiled with debug information.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tools::{have, output};

/// The living process; it and its folder go with this value. Its segment is removed as soon as it is attached.
pub(super) struct Subject {
    pub(super) folder: TempDir,
    child: Child,
    /// The key, as 0x5a11....
    pub(super) key: String,
    /// Where the segment is, as the process printed it.
    pub(super) base: u64,
}

impl Subject {
    /// Starts it; `None` where there is no gcc or gdb.
    pub(super) fn start() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if ["gcc", "gdb"].iter().any(|tool| !have(tool)) {
            return None;
        }
        crate::tools::pass_shmid_0();
        let folder = tempfile::tempdir().unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/plugin/subject.c");
        output(Command::new("gcc").args(["-g", "-O0", "-o", "subject", source]).current_dir(folder.path()));
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let key = format!("0x{:08x}", 0x5a00_0000 | (std::process::id() & 0xffff) << 8 | number & 0xff);
        let mut child = Command::new("./subject")
            .args([&key, "address"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let base = loop {
            let address = fs::read_to_string(folder.path().join("address")).unwrap_or_default();
            if let Some(base) =
                address.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok())
            {
                break base;
            }
            assert_eq!(child.try_wait().unwrap(), None, "the subject ended");
            assert!(Instant::now() < until, "the subject says nothing");
            std::thread::sleep(Duration::from_millis(10));
        };
        Some(Self { folder, child, key, base })
    }

    pub(super) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// A core by gcore, which leaves out the second page.
    pub(super) fn core(&self) -> PathBuf {
        let gcore = Command::new("gcore")
            .args(["-o", "core", &self.pid()])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(gcore.status.success(), "{gcore:?}");
        self.folder.path().join(format!("core.{}", self.pid()))
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
