//! Dumps of other machines (testdata/foreign): of real kernels under qemu-system, and by qemu-user.
//!
//! What is expected is what the guest printed of itself: its process and thread ids, its user, the addresses and bytes of
//! its segments, and the address of its fault.

mod qemu_user;

use serde_json::json;

use crate::program::{Run, coreinspect};
use crate::testdata::{Core, names_in};
use crate::truth::{pick, told_as_it_was};

fn names(start: &str) -> Vec<String> {
    names_in("foreign/").into_iter().filter(|name| name[8..].starts_with(start)).collect()
}

#[test]
fn kernels_of_other_machines_are_told_as_they_were() {
    let names = names("kernel-");
    assert!(names.len() >= 11, "{names:?}");
    for name in names {
        told_as_it_was(&name);
    }
}

/// qemu-user writes no names: what is to be known is the process, and the bytes, which are there.
#[test]
fn guests_of_qemu_user_are_told_as_they_were() {
    let names = names("qemu-user-");
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        let core = Core::unpack(&name);
        let document = Run::of(coreinspect().arg(core.path()).arg("--json")).document();
        qemu_user::tells(&document["dumps"][0], core.expected(), &name);
        for segment in core.segments() {
            let attachment = &segment["attachments"][0];
            let at = attachment["start"].as_str().unwrap();
            assert_eq!(
                qemu_user::digest(&core.bytes(), at, attachment["saved"].as_u64().unwrap()),
                segment["sha256"].as_str().unwrap(),
                "{name} {at}"
            );
        }
    }
}

/// The names of the contract, each from a real dump.
#[test]
fn machines_have_the_names_of_the_contract() {
    let told: Vec<_> = names_in("foreign/")
        .iter()
        .map(|name| {
            let core = Core::unpack(name);
            let dump = &Run::of(coreinspect().arg(core.path()).arg("--json")).document()["dumps"][0];
            let name = name.split_once("kernel-").or(name.split_once("qemu-user-")).unwrap().1.to_owned();
            (name, pick(dump, &["machine", "class", "byte_order"]))
        })
        .collect();
    for (name, machine, class, byte_order) in [
        ("aarch64", "aarch64", 64, "little"),
        ("arm", "arm", 32, "little"),
        ("i386", "i386", 32, "little"),
        ("mips", "mips", 32, "big"),
        ("mips64el", "mips64", 64, "little"),
        ("mipsel", "mips", 32, "little"),
        // 32-bit words and addresses in 64-bit registers: the class says so, the machine is the same as of o32.
        ("mipsn32", "mips", 32, "big"),
        ("ppc64", "ppc64", 64, "big"),
        ("ppc64le", "ppc64le", 64, "little"),
        ("riscv64", "riscv64", 64, "little"),
        ("s390x", "s390x", 64, "big"),
        ("x32", "x32", 32, "little"),
    ] {
        let expected = json!({ "machine": machine, "class": class, "byte_order": byte_order });
        let mut any = false;
        for (_, told) in told.iter().filter(|(of, _)| of == name) {
            assert_eq!(*told, expected, "{name}");
            any = true;
        }
        assert!(any, "no dump of {name}");
    }
}
