//! Locks that nobody waits for: named by a type, or proven by their bytes; and what is none.

use std::path::Path;

use serde_json::{Value, json};

use super::dumped::{Dumped, at, locks};
use crate::program::{Run, coreinspect};

/// The locks that nobody waits for.
fn others(document: &Value) -> Vec<&Value> {
    let all = document["locks"].as_array().unwrap().iter();
    all.filter(|lock| lock["found_by"] != "waiter").collect()
}

/// `adaptive` is robust and held; `unused` and the mutex of the condition are not.
#[test]
fn a_lock_that_nobody_waits_for_is_found_by_its_shape() {
    for (flags, key) in [(&[][..], "0x5e110c21"), (&["-m32"], "0x5e110c22")] {
        let Some(mut dumped) = Dumped::start("locks.c", flags, &[key]) else { return };
        let Some(core) = dumped.killed(dumped.pid().into(), "crashed") else { return };
        let document = locks(&[&core], &[]);
        let others = others(&document);
        assert_eq!(others.len(), 1, "{document:#}");
        assert_eq!(others[0]["offset"], dumped.number("at_adaptive"));
        assert_eq!((&others[0]["found_by"], &others[0]["robust"]), (&json!("shape"), &json!(true)));
        assert_eq!(others[0]["owner"]["tid"], dumped.number("main"));
        assert!(others[0]["reasons"][0].as_str().unwrap().contains("a mutex that thread"), "{document:#}");
        // Those that nobody holds look like those that somebody does.
        let all = locks(&[&core], &["--all"]);
        let lock = at(&all, dumped.number("at_unused"));
        assert_eq!((&lock["found_by"], &lock["state"]), (&json!("shape"), &json!("unlocked")), "{lock:#}");
    }
}

/// By the program's own debug information, and by a header, which tells of a lock only how long it is.
#[test]
fn a_layout_names_locks() {
    let header = "#include <pthread.h>\n#include <semaphore.h>\nstruct shared {\n long head[3];\n \
        pthread_mutex_t plain, recursive, checking, adaptive, robust, inheriting, both, timed, unused;\n \
        pthread_rwlock_t written, read;\n pthread_cond_t condition;\n pthread_mutex_t of_condition;\n \
        pthread_barrier_t barrier;\n sem_t semaphore;\n int word;\n};\n";
    for (flags, key) in [(&[][..], "0x5e110c23"), (&["-m32"], "0x5e110c24")] {
        let Some(mut dumped) = Dumped::start("locks.c", flags, &[key]) else { return };
        let Some(core) = dumped.killed(dumped.pid().into(), "crashed") else { return };
        let path = dumped.folder().join("shared.h");
        std::fs::write(&path, header).unwrap();
        let by_header = format!("{}:struct shared", path.display());
        for layout in ["struct shared", &by_header] {
            let document = locks(&[&core], &["--layout", layout]);
            for name in ["plain", "robust", "written", "condition", "barrier", "semaphore"] {
                let lock = at(&document, dumped.number(&format!("at_{name}")));
                assert_eq!((&lock["field"], &lock["found_by"]), (&json!(name), &json!("waiter")), "{lock:#}");
            }
            for (name, state) in [("unused", "unlocked"), ("adaptive", "locked")] {
                let lock = at(&document, dumped.number(&format!("at_{name}")));
                assert_eq!((&lock["field"], &lock["found_by"]), (&json!(name), &json!("type")), "{lock:#}");
                assert_eq!((&lock["type"], &lock["state"]), (&json!("mutex"), &json!(state)), "{lock:#}");
            }
            // The listing and `show` tell them too.
            let show = Run::of(coreinspect().arg("show").arg(&core).args(["--layout", layout]));
            let owner = format!("mutex (glibc): locked by thread {}", dumped.number("main"));
            assert!(show.text().contains(&owner), "{show:?}");
            let json = Run::of(coreinspect().arg("show").arg(&core).args(["--layout", layout, "--json"]));
            let content = json.document()["dumps"][0]["segments"][0]["content"].clone();
            let robust = content["locks"].as_array().unwrap().iter().find(|lock| lock["path"] == "robust");
            assert_eq!(robust.unwrap()["owner"], dumped.number("main"), "{content:#}");
        }
    }
}

/// Real programs (testdata/programs-corpus): what their segments hold is no lock by its shape.
#[test]
fn no_shape_is_found_where_there_is_no_lock() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/programs-corpus");
    let (mut dumps, mut found) = (0, Vec::new());
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".dump.zst") {
            continue;
        }
        let run = Run::of(coreinspect().arg("locks").arg(&path).args(["--json", "--kind", "all", "--all"]));
        assert!(run.status <= 1, "{run:?}");
        dumps += 1;
        let document = run.document();
        found.extend(others(&document).into_iter().map(|lock| format!("{}: {lock}", path.display())));
    }
    assert_eq!((dumps, found), (154, Vec::<String>::new()));
}
