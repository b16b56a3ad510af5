//! The screen in README.md is what the program prints.

use std::fs;
use std::path::Path;

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

#[test]
fn the_screen_in_the_readme_is_real() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let (_, block) = readme.split_once("```console\n$ coreinspect core.1302\n").unwrap();
    let (screen, _) = block.split_once("```").unwrap();
    let core = Core::unpack("segv.kernel");
    fs::rename(core.path(), core.folder().join("core.1302")).unwrap();
    let run = Run::of(coreinspect().arg("core.1302").current_dir(core.folder()).env("COLUMNS", "80"));
    assert_eq!(run.text(), screen);
}
