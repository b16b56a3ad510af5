//! What a dump by qemu-user holds, and a guest that is dumped now.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;

use coreinspect::position::Address;
use coreinspect::source::Bytes;
use coreinspect::targets::{CoreTarget, Target};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::program::{Run, coreinspect};
use crate::testdata::unpack_zst;
use crate::tools::{have, missing};
use crate::truth::pick;

/// Holds a report against what the guest said of itself. No segment is named, so none may have a key.
pub(super) fn tells(dump: &Value, expected: &Value, name: &str) {
    let facts = ["writer", "class", "byte_order", "machine", "page_size", "file_size", "complete"];
    assert_eq!(pick(dump, &facts), pick(expected, &facts), "{name}");
    let facts = ["pid", "command", "arguments", "executable", "fault_address"];
    assert_eq!(pick(&dump["process"], &facts), pick(expected, &facts), "{name}");
    // qemu-user swaps 16 bits of the 32 of a big-endian guest: what it writes is no user.
    let scrambled = expected["byte_order"] == "big" && expected["machine"] != "m68k";
    let uid = if scrambled { json!(null) } else { expected["uid"].clone() };
    assert_eq!(dump["process"]["uid"], uid, "{name}");
    assert_eq!(dump["process"]["signal"], json!({ "number": 11, "name": "SIGSEGV" }), "{name}");
    assert_eq!(dump["process"]["threads"][0], expected["first_thread"], "{name}");
    let mut threads: Vec<_> = dump["process"]["threads"].as_array().unwrap().clone();
    threads.sort_by_key(Value::as_u64);
    assert_eq!(json!(threads), expected["threads"], "{name}");
    for segment in dump["segments"].as_array().unwrap() {
        assert_eq!((&segment["key"], &segment["name"]), (&Value::Null, &Value::Null), "{name}: {segment}");
    }
}

/// The digest of `length` bytes at `address`, as the library reads them.
pub(super) fn digest(core: &[u8], address: &str, length: u64) -> String {
    let source = Bytes::new(core.to_vec());
    let target = CoreTarget::read(Arc::new(source)).unwrap();
    let address = u64::from_str_radix(address.trim_start_matches("0x"), 16).unwrap();
    let mut bytes = vec![0; length as usize];
    assert_eq!(target.read(Address::new(address), &mut bytes).unwrap(), bytes.len());
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lets each guest of testdata/foreign/guests die once more, under the qemu-user of this machine.
#[test]
fn guests_that_die_now_are_told_as_they_were() {
    if !have("unshare") || !have("qemu-mips") {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        missing("the right to become another user");
        return;
    }
    for (guest, machine, class, byte_order) in [
        ("aarch64", "aarch64", 64, "little"),
        ("arm", "arm", 32, "little"),
        ("i386", "i386", 32, "little"),
        ("m68k", "m68k", 32, "big"),
        ("mips", "mips", 32, "big"),
        ("mipsel", "mips", 32, "little"),
        ("mipsn32", "mips", 32, "big"),
        ("ppc", "ppc", 32, "big"),
        ("ppc64", "ppc64", 64, "big"),
        ("ppc64le", "ppc64le", 64, "little"),
        ("s390x", "s390x", 64, "big"),
        ("sh4", "sh", 32, "little"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        // The guest becomes a user of its own, who writes the core here.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let program = folder.path().join("guest");
        fs::write(&program, unpack_zst(&format!("foreign/guests/{guest}"))).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        // In a namespace of its own, which takes its segments along.
        let script = format!("ulimit -c 65536; exec qemu-{guest} ./guest of {guest}");
        let output = Command::new("unshare")
            .args(["--ipc", "sh", "-c", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let number = |line: &str| {
            let (name, number) = line.strip_prefix('!')?.split_once('=')?;
            Some((name.to_owned(), u64::from_str_radix(number.trim(), 16).ok()?))
        };
        let said: HashMap<_, _> = said.lines().filter_map(number).collect();
        let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut cores = files.filter(|path| path.extension().is_some_and(|end| end == "core"));
        let core = cores.next().unwrap_or_else(|| panic!("{guest}: no core; it said {said:?}"));
        let mut threads = [said["tid"], said["thread"]];
        threads.sort_unstable();
        let bytes = fs::read(&core).unwrap();
        let expected = json!({
            "writer": "qemu-user", "class": class, "byte_order": byte_order, "machine": machine,
            "page_size": said["page"], "file_size": bytes.len(), "complete": true,
            "pid": said["pid"], "command": "guest", "arguments": format!("./guest of {guest}"),
            "executable": null, "fault_address": null, "uid": said["uid"],
            "first_thread": said["tid"], "threads": threads,
        });
        let document = Run::of(coreinspect().arg(&core).arg("--json")).document();
        tells(&document["dumps"][0], &expected, guest);
        let mut mailbox = [[1].as_slice(), format!("hello from {guest}").as_bytes()].concat();
        mailbox.resize(64, 0);
        let read = digest(&bytes, &format!("{:x}", said["a"]), 64);
        assert_eq!(
            read,
            Sha256::digest(&mailbox).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        );
    }
}
