//! F8: the file becomes shorter while it is read. That is an error with a sentence, never death by SIGBUS.

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const RUNS: u32 = 100;

/// A core with so many segments that reading it takes long enough to be disturbed.
fn long_core() -> CoreBuilder {
    let segments = 2_000_u32;
    let start = |number: u32| 0x1000_0000 + u64::from(number) * 0x2000;
    let row = |number| Row {
        start: start(number),
        end: start(number) + 0x1000,
        offset: 0,
        name: presets::segment_name(0x7100_0000 + number),
    };
    let rows: Vec<_> = (0..segments).map(row).collect();
    let page = [presets::mailbox(), vec![0; 4096]].concat()[..4096].to_vec();
    let load = |number| Segment::load(start(number), 0x1000, R | W, Content::Bytes(page.clone()));
    let notes = Segment::notes(vec![notes::file(&X86_64, 4096, &rows)]);
    CoreBuilder {
        segments: [vec![notes], (0..segments).map(load).collect()].concat(),
        ..CoreBuilder::new(X86_64)
    }
}

fn start(path: &Path) -> std::process::Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coreinspect"));
    command.arg("--json").arg(path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The status, having checked that the end was an orderly one.
fn status(output: &Output, run: &str) -> i32 {
    let complaint = String::from_utf8_lossy(&output.stderr);
    let status = output.status.code().unwrap_or_else(|| panic!("{run}: {} {complaint}", output.status));
    assert!((0..=2).contains(&status), "{run}: status {status}: {complaint}");
    if status == 2 {
        assert!(
            complaint.lines().count() == 1 && complaint.starts_with("coreinspect: "),
            "{run}: {complaint:?}"
        );
    }
    status
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_an_error_with_a_sentence() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let core = long_core().build().bytes;
    let write = || std::fs::write(file.path(), &core).unwrap();
    write();
    let before = Instant::now();
    let output = start(file.path()).wait_with_output().unwrap();
    let undisturbed = before.elapsed();
    assert_eq!(status(&output, "undisturbed"), 0);

    let mut statuses = BTreeMap::<i32, u32>::new();
    for run in 0..RUNS {
        write();
        let child = start(file.path());
        // Reading output and cutting run side by side: the program must not wait on a full pipe.
        let cut = undisturbed * run / RUNS;
        let length = if run % 2 == 0 { 0 } else { core.len() as u64 * u64::from(run) / u64::from(RUNS) };
        let path = file.path().to_owned();
        let cutter = std::thread::spawn(move || {
            std::thread::sleep(cut.max(Duration::from_micros(200)));
            OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
        });
        let output = child.wait_with_output().unwrap();
        cutter.join().unwrap();
        *statuses.entry(status(&output, &format!("cut to {length} after {cut:?}"))).or_default() += 1;
    }
    println!("undisturbed {undisturbed:?}; statuses of {RUNS} runs: {statuses:?}");
}
