//! The man pages in `man/` are those that the command line, the schema and the layouts make. After a change of one:
//!
//!     COREINSPECT_WRITE_MAN=1 cargo test -p coreinspect --test it man::

mod pages;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::Run;
use crate::tools::have;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../man")
}

fn all() -> Vec<PathBuf> {
    let mut pages: Vec<_> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

#[test]
fn the_pages_are_current() {
    let pages = pages::pages();
    for (name, page) in &pages {
        let path = folder().join(name);
        if std::env::var_os("COREINSPECT_WRITE_MAN").is_some() {
            fs::write(&path, page).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        let how = "COREINSPECT_WRITE_MAN=1 cargo test -p coreinspect --test it man::";
        assert!(*page == written, "man/{name} is not current: {how}");
    }
    for path in all() {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(pages.contains_key(name), "{name} is the page of nothing");
    }
}

#[test]
fn mandoc_has_nothing_to_say() {
    if !have("mandoc") {
        return;
    }
    let run = Run::of(Command::new("mandoc").args(["-T", "lint", "-W", "style"]).args(all()));
    assert_eq!((run.status, run.text()), (0, ""));
}

#[test]
fn every_variable_of_the_environment_is_told() {
    let page = fs::read_to_string(folder().join("coreinspect.1")).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in walkdir::WalkDir::new(source).into_iter().map(Result::unwrap) {
        if entry.path().extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let code = fs::read_to_string(entry.path()).unwrap();
        let read = ["var(\"", "var_os(\"", "absolute(\""].iter().flat_map(|call| code.split(call).skip(1));
        for name in read.filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(name), "{}: {name} is not in man/coreinspect.1", entry.path().display());
        }
    }
}
