//! F8: the file becomes shorter while it is read. That is an error with a sentence, never death by SIGBUS.

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::memory;
use crate::random::Random;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

const RUNS: u32 = 50;

/// A core with a segment of 4 MiB, in which no line of a hex dump is like the next.
fn core() -> CoreBuilder {
    let mut random = Random::new(8);
    let bytes: Vec<u8> = (0..1 << 19).flat_map(|_| random.next().to_le_bytes()).collect();
    let (start, end) = (0x1000_0000, 0x1000_0000 + bytes.len() as u64);
    let row = Row { start, end, offset: 0, name: presets::segment_name(0x7100_0000) };
    let notes = Segment::notes(vec![notes::file(&X86_64, 4096, &[row])]);
    let load = Segment::load(start, end - start, R | W, Content::Bytes(bytes));
    CoreBuilder { segments: vec![notes, load], ..CoreBuilder::new(X86_64) }
}

fn start(arguments: &[&str], path: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coreinspect"));
    command.args(arguments).arg(path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
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

/// The reader of the hex dump holds it up, so that the program is surely amid the segment when the file is cut.
#[test]
fn a_segment_that_is_cut_while_it_is_shown_is_an_error_with_a_sentence() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let core = core().build().bytes;
    let mut random = Random::new(88);
    for run in 0..RUNS {
        std::fs::write(file.path(), &core).unwrap();
        let mut child = start(&["show", "--hex"], file.path());
        let mut beginning = vec![0; 1 + random.below(64 << 10)];
        child.stdout.as_mut().unwrap().read_exact(&mut beginning).unwrap();
        let length = if run % 2 == 0 { 0 } else { random.below(core.len() / 2) as u64 };
        cut(file.path(), length);
        let output = child.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(status(&output, &format!("cut to {length}")), 2, "{complaint}");
        assert!(complaint.contains("shorter"), "{complaint}");
    }
}

/// A table of 100,000 mappings is read through the map: cutting it raises SIGBUS.
#[test]
fn a_table_that_is_cut_while_it_is_read_is_an_error_with_a_sentence() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let core = memory::mappings(100_000).build().bytes;
    std::fs::write(file.path(), &core).unwrap();
    let before = Instant::now();
    let output = start(&["--json"], file.path()).wait_with_output().unwrap();
    let undisturbed = before.elapsed();
    assert_eq!(status(&output, "undisturbed"), 0);

    let mut statuses = BTreeMap::<i32, u32>::new();
    let mut shrunk = 0;
    for run in 0..RUNS {
        std::fs::write(file.path(), &core).unwrap();
        let child = start(&["--json"], file.path());
        let delay = undisturbed * run / RUNS;
        let length = if run % 2 == 0 { 0 } else { core.len() as u64 * u64::from(run) / u64::from(RUNS) };
        std::thread::sleep(delay);
        cut(file.path(), length);
        let output = child.wait_with_output().unwrap();
        shrunk += u32::from(String::from_utf8_lossy(&output.stderr).contains("shorter"));
        *statuses.entry(status(&output, &format!("cut to {length} after {delay:?}"))).or_default() += 1;
    }
    println!(
        "undisturbed {undisturbed:?}; statuses of {RUNS} runs: {statuses:?}; {shrunk} say that it shrank"
    );
    assert!(shrunk > 0, "no run met the cut: {statuses:?}");
}
