//! The small core writer: what it writes of this very process is read back by coreinspect, readelf and gdb.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use coreinspect::core_writer::write_core;
use coreinspect::writer::Writer;
use coreinspect::{Inspection, Options};
use shmcore::{Access, Mailbox, OwnedSegment, Permissions, Segment};

use crate::tools;

/// One at a time: a segment of the other test, listed and then detached before it is copied, would be unreadable.
static ALONE: Mutex<()> = Mutex::new(());

/// A core of this process while it has a segment with `message` attached, and where: key and address.
fn core_of_this_process(folder: &Path, message: &str) -> (std::path::PathBuf, u64) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let segment =
        OwnedSegment::new(Segment::create(shmcore::Key::PRIVATE, 5000, Permissions::OWNER).unwrap());
    let attachment = segment.attach(Access::ReadWrite).unwrap();
    let address = attachment.address() as u64;
    let mailbox = Mailbox::new(attachment).unwrap();
    mailbox.write(message.as_bytes()).unwrap();
    let core = folder.join("core");
    let written = write_core(std::process::id(), &mut fs::File::create(&core).unwrap()).unwrap();
    assert!(written.mappings >= 1 && written.unreadable == 0, "{written:?}");
    (core, address)
}

#[test]
fn a_core_of_this_process_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (core, address) = core_of_this_process(folder.path(), "written by hand");
    let dump = Inspection::open(&core, &Options::default()).into_report();
    assert!(dump.error.is_none(), "{:?}", dump.error);
    assert_eq!(dump.writer, Some(Writer::Coreinspect));
    assert_eq!(dump.process.pid, Some(std::process::id()));
    assert_eq!(dump.complete, Some(true));
    let executable = dump.process.executable.unwrap();
    let own = std::env::current_exe().unwrap();
    assert_eq!(executable.bytes(), own.as_os_str().as_encoded_bytes());
    let segment = dump.segments.iter().find(|segment| segment.attachments[0].start.0 == address).unwrap();
    assert_eq!((segment.mapped, segment.saved, segment.state.name()), (8192, 8192, "whole"));
    let value = serde_json::to_value(segment.content.as_ref().unwrap()).unwrap()["value"].take();
    assert_eq!(value["flag"]["name"], "ready");
    assert_eq!(value["message"]["text"], "written by hand");
}

#[test]
fn readelf_and_gdb_read_it_without_a_complaint() {
    if !tools::have("readelf") || !tools::have("gdb") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (core, address) = core_of_this_process(folder.path(), "for the others");
    let readelf = Command::new("readelf").args(["-W", "-h", "-l", "-n"]).arg(&core).output().unwrap();
    assert!(readelf.status.success());
    assert_eq!(String::from_utf8_lossy(&readelf.stderr), "");
    assert!(String::from_utf8_lossy(&readelf.stdout).contains("NT_FILE"));
    let gdb = Command::new("gdb")
        .args(["-batch", "-nx", "-ex", "info proc mappings", "-ex", &format!("x/s {:#x}", address + 1), "-c"])
        .arg(&core)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&gdb.stdout);
    assert!(said.contains("for the others"), "{said}");
    assert!(said.contains(&format!("{address:#x}")), "{said}");
}
