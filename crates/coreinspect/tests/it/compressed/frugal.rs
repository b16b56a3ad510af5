//! What a stream costs: it is read no further than it must be, memory does not grow with it, and bombs end.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use coreinspect::source::{self, Amount, Limits, Reading, Source, Stream};

use super::{TOOLS, inspected, pack};
use crate::core_builder::Content;
use crate::core_builder::presets::{self, X86_64};
use crate::program::{Run, absent, coreinspect};
use crate::testdata::Core;
use crate::tools::have;
use crate::{allocations, tools};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A kernel's core whose stack, behind all segments, is a hole of `size` bytes.
fn with_a_long_tail(size: u64) -> tempfile::NamedTempFile {
    let mut core = presets::kernel(X86_64);
    let stack = core.segments.last_mut().unwrap();
    stack.memsz = size;
    stack.content = Content::Hole(size);
    let file = tempfile::NamedTempFile::new().unwrap();
    core.write_to(file.as_file());
    file
}

fn counted(came: &Arc<AtomicU64>) -> Reading {
    let came = Arc::clone(came);
    Reading {
        amount: Amount::Starts,
        progress: Some(Box::new(move |progress| came.store(progress.came, Ordering::Relaxed))),
        ..Reading::default()
    }
}

#[test]
fn a_pipe_is_read_as_far_as_the_segments_go() {
    let file = with_a_long_tail(1024 * GIB);
    let came = Arc::new(AtomicU64::new(0));
    let mut pipe = file.reopen().unwrap();
    pipe.seek(SeekFrom::Start(0)).unwrap();
    let stream = Stream::of_pipe(pipe, counted(&came)).unwrap();
    let found = inspected(Arc::new(stream));
    assert_eq!(found["segments"].as_array().unwrap().len(), 3);
    assert_eq!(found["segments"][0]["state"], "whole");
    // Nobody looked whether the rest of the stack is there.
    assert_eq!(
        (&found["complete"], &found["file_size"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    let came = came.load(Ordering::Relaxed);
    assert!(came < MIB, "{came} bytes");
}

/// zstd of a file writes its size into the header: nothing needs to be read to know that all is there.
#[test]
fn a_compressed_file_that_tells_its_size_is_not_read_to_its_end() {
    if !have("zstd") {
        return;
    }
    let file = with_a_long_tail(2 * GIB);
    let packed = tempfile::NamedTempFile::new().unwrap();
    let made = Command::new("zstd").arg("-1qfo").arg(packed.path()).arg(file.path()).status().unwrap();
    assert!(made.success());
    let came = Arc::new(AtomicU64::new(0));
    let (found, usage) = allocations::measure(|| {
        let opened = source::open(packed.path(), counted(&came)).unwrap();
        inspected(opened.source)
    });
    assert_eq!(found["segments"].as_array().unwrap().len(), 3);
    assert_eq!(found["complete"], true);
    assert_eq!(found["file_size"], file.as_file().metadata().unwrap().len());
    let came = came.load(Ordering::Relaxed);
    assert!(came < MIB, "{came} bytes");
    assert!(usage.peak < 4 << 20, "{} bytes", usage.peak);
}

/// RssAnon and all else: what the kernel counts as the process's data.
#[test]
fn memory_does_not_grow_with_the_dump() {
    if !have("zstd") {
        return;
    }
    for size in [64 * MIB, 2 * GIB] {
        let file = with_a_long_tail(size);
        // Through a pipe, all of it: `refs` wants everything.
        let script = format!(
            "zstd -1qc {} | (ulimit -d {} && exec {} refs - '#1')",
            file.path().display(),
            16 << 10,
            env!("CARGO_BIN_EXE_coreinspect")
        );
        let run = Run::of(Command::new("sh").args(["-c", &script]).stdin(Stdio::null()));
        assert!(run.status < 2, "{size}: {run:?}");
    }
}

/// F7: zeroes, and one byte again and again; within so much memory, and with nothing left behind.
#[test]
fn a_bomb_ends_at_the_limit() {
    let zeroes = with_a_long_tail(GIB);
    let mut core = presets::kernel(X86_64);
    let stack = core.segments.last_mut().unwrap();
    stack.memsz = 256 * MIB;
    stack.content = Content::Bytes(vec![0x41; 256 << 20]);
    let full = tempfile::NamedTempFile::new().unwrap();
    core.write_to(full.as_file());
    for (tool, bomb) in
        [TOOLS[0], TOOLS[1], TOOLS[5]].into_iter().flat_map(|tool| [(tool, &zeroes), (tool, &full)])
    {
        if !have(tool[0]) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let packed = folder.path().join("packed");
        let mut command = Command::new(tool[0]);
        command.args(&tool[1..]).arg(bomb.path()).stdout(File::create(&packed).unwrap());
        assert!(command.status().unwrap().success());
        let spools = tempfile::tempdir().unwrap();
        let limited = "ulimit -d 24576 && exec \"$0\" refs --max-size 64M \"$@\"";
        let mut program = Command::new("sh");
        program.args(["-c", limited, env!("CARGO_BIN_EXE_coreinspect")]).arg(&packed).arg("#1");
        let run = Run::of(program.env("TMPDIR", spools.path()).stdin(Stdio::null())).ended(2);
        assert!(run.err.contains("--max-size"), "{run:?}");
        assert_eq!(std::fs::read_dir(spools.path()).unwrap().count(), 0);
    }
}

/// Half of the dump comes, and then nothing for a while: a line says how far it is, and is gone when there is more to say.
#[test]
fn what_takes_long_shows_how_far_it_is_on_a_terminal() {
    if !have("script") {
        return;
    }
    let core = Core::unpack("writer.gcore");
    let feed = "(head -c 200000 core; sleep 1.3; tail -c +200001 core)";
    let on_a_terminal = |flags: &str| {
        let command = format!("{feed} | {} - {flags} > out", env!("CARGO_BIN_EXE_coreinspect"));
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).current_dir(core.folder()).stdin(Stdio::null());
        Run::of(&mut script).text().to_owned()
    };
    let shown = on_a_terminal("");
    assert!(shown.contains("reading: ") && shown.contains("MiB/s"), "{shown:?}");
    assert!(shown.trim_end().ends_with("\r\u{1b}[K"), "{shown:?}");
    assert_eq!(on_a_terminal("-q"), "");
    let out = std::fs::read_to_string(core.folder().join("out")).unwrap();
    assert!(out.contains(core.key()), "{out}");
    let quick = format!("{} - < core > out", env!("CARGO_BIN_EXE_coreinspect"));
    let mut script = Command::new("script");
    script.args(["-qec", &quick, "/dev/null"]).current_dir(core.folder()).stdin(Stdio::null());
    assert_eq!(Run::of(&mut script).text(), "");
}

/// Data that compresses so well is kept only up to a limit, too.
#[test]
fn a_spool_has_a_limit_of_its_own() {
    let core = Core::unpack("writer.kernel");
    let Some(packed) = pack(TOOLS[0], &core.bytes()) else { return };
    let reading = Reading {
        amount: Amount::Everything,
        limits: Limits { most_bytes: 100_000, named: true },
        progress: None,
        ..Reading::default()
    };
    let stream = Arc::new(Stream::of_pipe(std::io::Cursor::new(packed), reading).unwrap());
    let found = inspected(Arc::<Stream>::clone(&stream));
    assert_eq!(found["error"]["code"], "limit", "{found}");
    assert!(stream.refusal().is_some());
}

/// The spool is unlinked from its first moment, so that nothing stays whatever ends the program.
#[test]
fn no_name_is_left_in_the_folder_of_the_spool() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = presets::kernel(X86_64);
    let stack = core.segments.last_mut().unwrap();
    stack.memsz = 32 * MIB;
    stack.content = Content::Bytes(vec![0x41; 32 << 20]);
    let bytes = core.build().bytes;
    let mut command = coreinspect();
    command.args(["refs", "-", "#1"]).env("TMPDIR", folder.path());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut pipe, &bytes[..bytes.len() - 1]).unwrap();
    // It waits for the last byte, with all others kept.
    let open = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
    let links: Vec<_> = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok()).collect();
    assert!(links.iter().any(|link| link.starts_with(folder.path())), "{links:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_takes_no_spool_is_named() {
    let mut core = presets::kernel(X86_64);
    let stack = core.segments.last_mut().unwrap();
    stack.memsz = 8 * MIB;
    stack.content = Content::Bytes(vec![0x41; 8 << 20]);
    let bytes = core.build().bytes;
    let mut program = coreinspect();
    program.args(["refs", "-", "#1"]).env("TMPDIR", absent());
    let run = Run::fed(&mut program, &bytes).ended(2);
    assert!(run.err.contains(absent().to_str().unwrap()) && run.err.contains("TMPDIR"), "{run:?}");
}

/// Whoever fills the pipe is stopped by SIGPIPE, as by `head`, and says nothing.
#[test]
fn a_producer_that_is_left_early_ends_quietly() {
    if !tools::have("zstd") {
        return;
    }
    let file = with_a_long_tail(GIB);
    let packed = tempfile::NamedTempFile::new().unwrap();
    let made = Command::new("zstd").arg("-1qfo").arg(packed.path()).arg(file.path()).status().unwrap();
    assert!(made.success());
    let script =
        format!("zstd -dc {} | {} - >/dev/null", packed.path().display(), env!("CARGO_BIN_EXE_coreinspect"));
    let run = Run::of(Command::new("sh").args(["-c", &script]).stdin(Stdio::null()));
    assert_eq!((run.status, run.err.as_str()), (0, ""));
}

/// A regular file on standard input is read from its start, as its name would be, compressed or not.
#[test]
fn standard_input_may_be_a_file() {
    let core = Core::unpack("writer.kernel");
    let path = core.folder().join("packed");
    let Some(packed) = pack(TOOLS[0], &core.bytes()) else { return };
    std::fs::write(&path, packed).unwrap();
    for path in [core.path(), path] {
        let run = Run::of(coreinspect().arg("-").stdin(File::open(&path).unwrap())).ended(0);
        assert!(run.text().contains(core.key()), "{run:?}");
    }
}

/// `coreinspect <(zstd -dc core.zst)`.
#[test]
fn the_pipe_of_a_process_substitution_is_read() {
    if !have("bash") {
        return;
    }
    let core = Core::unpack("writer.gcore");
    for flags in ["", "--json", "--expect flag=ready"] {
        let script = format!("exec {} <(cat core) {flags}", env!("CARGO_BIN_EXE_coreinspect"));
        let mut bash = Command::new("bash");
        let run =
            Run::of(bash.args(["-c", &script]).current_dir(core.folder()).stdin(Stdio::null())).ended(0);
        assert!(run.text().contains(core.key()), "{run:?}");
    }
}

#[test]
fn a_source_that_is_a_stream_says_so() {
    let file = with_a_long_tail(MIB);
    assert!(source::open(file.path(), Reading::default()).unwrap().source.stream().is_none());
    let _: &dyn Source = &Stream::of_pipe(file.reopen().unwrap(), Reading::default()).unwrap();
}
