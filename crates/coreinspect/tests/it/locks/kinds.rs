//! Every kind of lock, each held by one thread and waited for by another.

use std::path::Path;

use serde_json::{Value, json};

use super::dumped::{Dumped, at, locks};

/// Name, kind, state, robust, priority inheritance, whether the main thread is named as its owner, what it counts, and the
/// function in which its waiter waits.
type Row =
    (&'static str, &'static str, &'static str, Option<bool>, Option<bool>, bool, Option<u32>, &'static str);

#[rustfmt::skip]
const LOCKS: &[Row] = &[
    ("plain", "mutex", "locked", Some(false), Some(false), true, None, "pthread_mutex_lock"),
    ("recursive", "mutex", "locked", Some(false), Some(false), true, None, "pthread_mutex_lock"),
    ("checking", "mutex", "locked", Some(false), Some(false), true, None, "pthread_mutex_lock"),
    ("robust", "mutex", "locked", Some(true), Some(false), true, None, "pthread_mutex_lock"),
    ("inheriting", "mutex", "locked", Some(false), Some(true), true, None, "pthread_mutex_lock"),
    ("both", "mutex", "locked", Some(true), Some(true), true, None, "pthread_mutex_lock"),
    ("timed", "mutex", "locked", Some(false), Some(false), true, None, "pthread_mutex_clocklock"),
    ("written", "rwlock", "locked", None, None, true, Some(0), "pthread_rwlock_rdlock"),
    ("read", "rwlock", "locked", None, None, false, Some(1), "pthread_rwlock_wrlock"),
    ("condition", "condition", "", None, None, false, Some(1), "pthread_cond_wait"),
    ("barrier", "barrier", "", None, None, false, Some(2), "pthread_barrier_wait"),
    ("semaphore", "semaphore", "", None, None, false, Some(0), "sem_wait"),
    ("word", "futex", "", None, None, false, None, "syscall"),
];

/// Holds what `locks` says against what the program said. `names`: functions can be named.
fn tells_all(dumped: &Dumped, document: &Value, alive: Value, names: bool) {
    for (name, kind, state, robust, inherits, owned, value, call) in LOCKS {
        let lock = at(document, dumped.number(&format!("at_{name}")));
        let library = if *kind == "futex" { json!(null) } else { json!("glibc") };
        let state = if state.is_empty() { json!(null) } else { json!(state) };
        let said =
            (&lock["type"], &lock["library"], &lock["state"], &lock["robust"], &lock["priority_inheritance"]);
        let expected = (&json!(kind), &library, &state, &json!(robust), &json!(inherits));
        assert_eq!(said, expected, "{name}: {lock:#}");
        assert_eq!(lock["value"], json!(value), "{name}: {lock:#}");
        let owner = match owned {
            true => json!({ "tid": dumped.number("main"), "dump": lock["dump"], "alive": alive }),
            false => json!(null),
        };
        assert_eq!(lock["owner"], owner, "{name}: {lock:#}");
        assert_eq!(lock["found_by"], "waiter", "{name}");
        let address = dumped.number("segment") + dumped.number(&format!("at_{name}"));
        assert_eq!(lock["at"], json!(format!("{address:#x}")), "{name}");
        let waiters = lock["waiters"].as_array().unwrap();
        assert_eq!(waiters.len(), 1, "{name}: {lock:#}");
        assert_eq!(waiters[0]["tid"], dumped.number(name), "{name}: {lock:#}");
        if names {
            assert_eq!(waiters[0]["function"], "wait_in", "{name}: {lock:#}");
            // A C library without debug symbols has names only for what it exports.
            let said = &waiters[0]["call"];
            let timed = *name == "timed" && said == "pthread_mutex_timedlock";
            assert!(said == call || timed || said.is_null() && *name != "plain", "{name}: {lock:#}");
            assert!(waiters[0]["file"].as_str().unwrap().ends_with("locks.c"), "{name}: {lock:#}");
        }
    }
    let waited_for = document["locks"].as_array().unwrap().iter().filter(|lock| lock["found_by"] == "waiter");
    assert_eq!(waited_for.count(), LOCKS.len(), "{document:#}");
    assert_eq!(document["cycles"], json!([]));
}

/// Threads that wait by System V means: gcore's stop ends their call for once.
fn tells_system_v(dumped: &Dumped, document: &Value) {
    for (id, kind, name, wants) in
        [("semid", "semaphores", "semop", "take"), ("msqid", "queue", "msgrcv", "receive")]
    {
        let all = document["semaphores"].as_array().unwrap();
        let entry = all.iter().find(|one| one["type"] == kind).unwrap_or_else(|| panic!("{document:#}"));
        assert_eq!(entry["semid"], dumped.number(id), "{entry:#}");
        let waiter = &entry["waiters"][0];
        assert_eq!(
            (&waiter["tid"], &waiter["wants"]),
            (&dumped.number(name).into(), &json!(wants)),
            "{entry:#}"
        );
        if kind == "semaphores" {
            assert_eq!((&waiter["number"], &waiter["operation"]), (&json!(1), &json!(-2)));
        }
    }
}

const FLAGS: &[(&[&str], &str)] = &[(&[], "0x5e110c01"), (&["-m32"], "0x5e110c02")];

#[test]
fn kernel_cores_tell_every_kind() {
    for (flags, key) in FLAGS {
        let Some(mut dumped) = Dumped::start("locks.c", flags, &[key]) else { return };
        let Some(core) = dumped.killed(dumped.pid().into(), "crashed") else { return };
        let document = locks(&[&core], &[]);
        tells_all(&dumped, &document, json!(false), true);
        tells_system_v(&dumped, &document);
    }
}

/// The second dump meets threads whose system call was interrupted by the first, those with a time limit too.
#[test]
fn cores_of_gcore_tell_every_kind_twice() {
    for (flags, key) in FLAGS {
        let key = key.replace("0c", "0d");
        let Some(dumped) = Dumped::start("locks.c", flags, &[&key]) else { return };
        for name in ["first", "second"] {
            let Some(core) = dumped.gcore(dumped.pid().into(), name) else { return };
            let document = locks(&[&core], &[]);
            tells_all(&dumped, &document, json!(true), true);
            tells_system_v(&dumped, &document);
        }
    }
}

#[test]
fn a_running_process_tells_every_kind() {
    for (flags, key) in FLAGS {
        let key = key.replace("0c", "0e");
        let Some(dumped) = Dumped::start("locks.c", flags, &[&key]) else { return };
        let pid = dumped.pid().to_string();
        let document = locks(&[], &["-p", &pid]);
        tells_all(&dumped, &document, json!(true), true);
        tells_system_v(&dumped, &document);
        let by_path = locks(&[Path::new(&format!("/proc/{pid}"))], &[]);
        assert_eq!(by_path["locks"], document["locks"]);
    }
}
