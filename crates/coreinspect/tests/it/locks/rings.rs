//! Processes that wait for each other, and owners that died.

use std::path::Path;

use serde_json::{Value, json};

use super::dumped::{Dumped, at, locks};
use crate::program::{Run, coreinspect};

/// Each step of the ring: who, and the offset of what it waits for.
fn ring(document: &Value) -> Vec<(u64, u64)> {
    let cycles = document["cycles"].as_array().unwrap();
    assert_eq!(cycles.len(), 1, "{document:#}");
    let steps = cycles[0].as_array().unwrap().iter().map(|step| {
        let lock = &document["locks"][step["waits_for"].as_u64().unwrap() as usize];
        (step["tid"].as_u64().unwrap(), lock["offset"].as_u64().unwrap())
    });
    steps.collect()
}

/// What the ring of these members is, from the first on.
fn expected(dumped: &Dumped, members: usize) -> Vec<(u64, u64)> {
    let member = |at: usize| dumped.number(&format!("member{at}"));
    let offset = |at: usize| dumped.number(&format!("at{}", at % members));
    (0..members).map(|at| (member(at), offset(at + 1))).collect()
}

#[test]
fn a_ring_over_dumps_is_the_first_thing_said() {
    for (members, robust, flags, key) in [
        (2, "plain", &[][..], "0x5e110c11"),
        (3, "robust", &[], "0x5e110c12"),
        (2, "robust", &["-m32"], "0x5e110c13"),
    ] {
        let arguments = [key, &members.to_string(), robust, "lives"];
        let Some(dumped) = Dumped::start("ring.c", flags, &arguments) else { return };
        let mut cores = Vec::new();
        for at in 0..members {
            let Some(core) = dumped.gcore(dumped.number(&format!("member{at}")), "member") else { return };
            cores.push(core);
        }
        let paths: Vec<&Path> = cores.iter().map(AsRef::as_ref).collect();
        let document = locks(&paths, &[]);
        assert_eq!(ring(&document), expected(&dumped, members));
        for at_member in 0..members {
            let lock = at(&document, dumped.number(&format!("at{at_member}")));
            // All dumps hold its bytes: the first counts.
            assert_eq!(lock["dump"], json!(cores[0]), "{lock:#}");
            assert_eq!(lock["owner"]["dump"], json!(cores[at_member]), "{lock:#}");
            assert_eq!(lock["owner"]["tid"], dumped.number(&format!("member{at_member}")));
            assert_eq!(lock["owner"]["alive"], true);
            assert_eq!(lock["robust"], robust == "robust");
        }
        let text = Run::of(coreinspect().arg("locks").args(&paths)).ended(0);
        assert_eq!(text.lines()[0], format!("deadlock: {members} threads wait for each other"), "{text:?}");
        // One dump alone has no ring.
        assert_eq!(locks(&paths[..1], &[])["cycles"], json!([]));
        // The running processes tell the same.
        let pids: Vec<_> = (0..members).map(|at| dumped.number(&format!("member{at}")).to_string()).collect();
        let flags: Vec<_> = pids.iter().flat_map(|pid| ["-p", pid]).collect();
        assert_eq!(ring(&locks(&[], &flags)), expected(&dumped, members));
    }
}

/// The kernel marks a robust mutex, and the next one gets it; of a plain one nobody knows but who asks the kernel.
#[test]
fn an_owner_that_died_is_told() {
    let Some(dumped) = Dumped::start("ring.c", &[], &["0x5e110c14", "2", "robust", "dies"]) else { return };
    let member1 = dumped.number("member1");
    let Some(core) = dumped.gcore(member1, "member") else { return };
    let document = locks(&[&core], &[]);
    // It holds what it waited for, and its own.
    for name in ["at0", "at1"] {
        let lock = at(&document, dumped.number(name));
        assert_eq!((&lock["state"], &lock["owner"]["tid"]), (&json!("locked"), &json!(member1)), "{lock:#}");
        assert_eq!(lock["waiters"], json!([]));
    }
    let Some(plain) = Dumped::start("ring.c", &[], &["0x5e110c15", "2", "plain", "dies"]) else { return };
    let Some(core) = plain.gcore(plain.number("member1"), "member") else { return };
    let lock = at(&locks(&[&core], &[]), plain.number("at0"));
    let dead = plain.number("member0");
    assert_eq!(lock["owner"], json!({ "tid": dead, "dump": null, "alive": null }), "{lock:#}");
    assert_eq!(lock["waiters"][0]["function"], "take", "{lock:#}");
    let running = locks(&[], &["-p", &plain.number("member1").to_string()]);
    let lock = at(&running, plain.number("at0"));
    assert_eq!(lock["owner"], json!({ "tid": dead, "dump": null, "alive": false }), "{lock:#}");
    // The other way round: the owner runs and was not named.
    let Some(ring) = Dumped::start("ring.c", &[], &["0x5e110c16", "2", "plain", "lives"]) else { return };
    let running = locks(&[], &["-p", &ring.number("member1").to_string()]);
    let lock = at(&running, ring.number("at0"));
    let owner = json!({ "tid": ring.number("member0"), "dump": null, "alive": true });
    assert_eq!(lock["owner"], owner, "{lock:#}");
}

#[test]
fn a_mutex_that_its_dead_owner_left_is_found_by_its_shape() {
    for (flags, key) in [(&[][..], "0x5e110c17"), (&["-m32"], "0x5e110c18")] {
        let Some(dumped) = Dumped::start("ring.c", flags, &[key, "1", "robust", "dies"]) else { return };
        let Some(core) = dumped.gcore(dumped.pid().into(), "parent") else { return };
        let lock = at(&locks(&[&core], &[]), dumped.number("at0"));
        assert_eq!((&lock["state"], &lock["found_by"]), (&json!("owner-died"), &json!("shape")), "{lock:#}");
        let owner = json!({ "tid": dumped.number("member0"), "dump": null, "alive": false });
        assert_eq!(lock["owner"], owner, "{lock:#}");
    }
}
