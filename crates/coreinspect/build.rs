//! Tells the program which commit it is built from, for `--version -v`.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A debug build would be made anew with every commit.
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    // Outside a checkout (a published crate, a tarball) the commit is unknown, and said to be.
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // HEAD moves with a checkout, its log with every commit.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        println!("cargo::rustc-env=COREINSPECT_COMMIT={commit}");
    }
}
