//! A program that the user names, of another build than the dump's: both build-ids are told, as readelf tells them.

use std::fs;
use std::process::Command;

use super::process::{Dumped, compile};
use super::separate::build_id;
use crate::program::{Run, coreinspect};
use crate::tools::{have, output};

fn run(dumped: &Dumped, arguments: &[&str]) -> Run {
    Run::of(coreinspect().args(arguments).current_dir(dumped.program.parent().unwrap())).ended(0)
}

/// The warnings of the code, in the document of `arguments`.
fn warnings(dumped: &Dumped, arguments: &[&str]) -> Vec<String> {
    let document = run(dumped, &[arguments, &["--json"]].concat()).document();
    let warnings = document["dumps"][0]["warnings"].as_array().unwrap().iter();
    let warnings = warnings.filter(|one| one["code"] == "other-build");
    warnings.map(|one| one["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn is_told_with_both_build_ids() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["-g", "-Wl,--build-id"];
    // Another build of the same name, and one of another name.
    let other = [&flags as &[_], &["-O2"]].concat();
    let Some(program) = compile(folder.path(), "gcc", &other, "sample.c") else { return };
    if !have("readelf") {
        return;
    }
    let other_folder = folder.path().join("other");
    fs::create_dir(&other_folder).unwrap();
    fs::copy(&program, other_folder.join("program")).unwrap();
    fs::rename(&program, folder.path().join("older")).unwrap();
    let Some(dumped) =
        compile(folder.path(), "gcc", &flags, "sample.c").and_then(|program| Dumped::of(&program, |_| true))
    else {
        return;
    };
    let (ours, theirs) = (build_id(&other_folder.join("program")), build_id(&dumped.program));
    assert_ne!(ours, theirs);
    let core = dumped.core.file_name().unwrap().to_str().unwrap();
    let layout = ["--layout", "struct everything"];
    for named in ["other/program", "older"] {
        for arguments in [
            &[core, "--types", named, layout[0], layout[1]] as &[_],
            &["show", core, "--types", named, layout[0], layout[1]],
            &[named, core],
            &["show", named, core],
        ] {
            let told = warnings(&dumped, arguments);
            assert_eq!(told.len(), 1, "{arguments:?}: {told:?}");
            assert!(told[0].starts_with(named), "{told:?}");
            assert!(told[0].contains(&ours) && told[0].contains(&theirs), "{told:?}");
            let err = run(&dumped, arguments).err;
            assert!(err.contains(&format!("warning: {}", told[0])), "{arguments:?}: {err}");
        }
        // What has no JSON of the dump tells it on standard error all the same.
        let searched = run(&dumped, &["search", named, core, "all", "hello"]);
        assert!(searched.err.contains(&ours) && searched.err.contains(&theirs), "{searched:?}");
    }
    for same in [&["program", core] as &[_], &[core, "--types", "program", layout[0], layout[1]]] {
        assert_eq!(warnings(&dumped, same), Vec::<String>::new());
    }
}

/// The program that stands before the dump is where its types are found, if it is of the same build.
#[test]
fn a_program_of_the_same_build_has_the_types() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), "gcc", &["-g", "-Wl,--build-id"], "sample.c") else { return };
    if !have("strip") {
        return;
    }
    fs::copy(&program, folder.path().join("whole")).unwrap();
    output(Command::new("strip").arg("--strip-all").arg(&program));
    let Some(dumped) = Dumped::of(&program, |_| true) else { return };
    let core = dumped.core.file_name().unwrap().to_str().unwrap();
    let shown = run(&dumped, &["show", "whole", core, "--layout", "struct everything", "--json"]).document();
    let value = &shown["dumps"][0]["segments"][0]["content"]["value"];
    assert_eq!(value["text"], "hello, world");
}
