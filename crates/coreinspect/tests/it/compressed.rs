//! Compressed and piped dumps: what is said of them is what is said of the same bytes in a plain file.

mod damaged;
mod frugal;

use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use coreinspect::source::{self, Amount, Bytes, Reading, Source, Stream};
use serde_json::Value;

use crate::pipeline;
use crate::program::{Run, coreinspect};
use crate::testdata::{self, Core};
use crate::tools::have;

/// The programs that compress, with their arguments.
pub(crate) const TOOLS: &[&[&str]] = &[
    &["zstd", "-qc"],
    &["lz4", "-qc"],
    &["lz4", "-qlc"],
    &["lz4", "-qc", "-B4", "--content-size"],
    &["xz", "-0c"],
    &["gzip", "-1c"],
    &["bzip2", "-1c"],
    // Its files begin with a skippable frame.
    &["pzstd", "-q", "-p2", "-c"],
];

/// What `tool` makes of `bytes` on its standard input; `None` where it is not installed.
pub(crate) fn pack(tool: &[&str], bytes: &[u8]) -> Option<Vec<u8>> {
    if !have(tool[0]) {
        return None;
    }
    let mut child =
        Command::new(tool[0]).args(&tool[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || pipe.write_all(bytes).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{tool:?}");
    Some(output.stdout)
}

pub(crate) fn reading(amount: Amount) -> Reading {
    Reading { amount, ..Reading::default() }
}

/// The document of the dump in `source`.
pub(crate) fn inspected(source: Arc<dyn Source>) -> Value {
    serde_json::to_value(pipeline::inspect_source(source).dump).unwrap()
}

/// `packed` as a file and as a pipe, opened for `amount`.
pub(crate) fn opened(packed: &[u8], amount: Amount) -> [Arc<dyn Source>; 2] {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), packed).unwrap();
    let from_file = source::open(file.path(), reading(amount)).unwrap().source;
    let piped = Stream::of_pipe(Cursor::new(packed.to_vec()), reading(amount)).unwrap();
    [from_file, Arc::new(piped)]
}

fn is_the_same(name: &str, how: &str, packed: &[u8], plain: &Value) {
    // Each of them for each writer; the plans differ by nothing else.
    let amounts: &[_] = match name.starts_with("writer.") || name.starts_with("truncated") {
        true => &[Amount::Starts, Amount::Segments, Amount::Everything],
        false => &[Amount::Starts],
    };
    for &amount in amounts {
        for (source, medium) in opened(packed, amount).into_iter().zip(["file", "pipe"]) {
            let found = inspected(source);
            assert_eq!(&found, plain, "{name}, {how}, {medium}, {amount:?}");
        }
    }
}

#[test]
fn every_core_is_the_same_in_every_compression() {
    for name in testdata::names() {
        let bytes = Core::unpack(&name).bytes();
        let plain = inspected(Arc::new(Bytes::new(bytes.clone())));
        is_the_same(&name, "as it is", &bytes, &plain);
        is_the_same(&name, "with its size told", &testdata::packed(&name), &plain);
        for tool in TOOLS {
            if let Some(packed) = pack(tool, &bytes) {
                is_the_same(&name, &tool.join(" "), &packed, &plain);
            }
        }
    }
}

/// Real dumps by other programs, and of other machines.
#[test]
fn every_dump_by_others_is_the_same_in_every_compression() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let mut seen = 0;
    for entry in walkdir::WalkDir::new(testdata).min_depth(2).into_iter().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        // The corpus of programs is there for what its segments say, not for how dumps are written.
        let of_the_corpus = entry.path().parent().is_some_and(|folder| folder.ends_with("programs-corpus"));
        if of_the_corpus || !name.ends_with(".core.zst") && !name.ends_with(".dump.zst") {
            continue;
        }
        let packed = std::fs::read(entry.path()).unwrap();
        let Some(bytes) = pack(&["zstd", "-dcq"], &packed) else { return };
        let plain = inspected(Arc::new(Bytes::new(bytes.clone())));
        is_the_same(&name, "as it is", &bytes, &plain);
        is_the_same(&name, "in testdata", &packed, &plain);
        // xz and bzip2 take seconds for a hundred megabytes.
        let slow: &[_] = if bytes.len() < 1 << 20 { &[TOOLS[4], TOOLS[6]] } else { &[] };
        for tool in [TOOLS[0], TOOLS[1], TOOLS[5]].iter().chain(slow) {
            if let Some(packed) = pack(tool, &bytes) {
                is_the_same(&name, &tool.join(" "), &packed, &plain);
            }
        }
        seen += 1;
    }
    assert!(seen > 5, "{seen}");
}

/// Dumps by other programs and of other machines, built by their formats.
#[test]
fn what_others_write_is_the_same_in_every_compression() {
    for seed in crate::seeds::built() {
        let plain = inspected(Arc::new(Bytes::new(seed.core.bytes.clone())));
        is_the_same(&seed.name, "as it is", &seed.core.bytes, &plain);
        for tool in [TOOLS[0], TOOLS[1], TOOLS[4], TOOLS[5], TOOLS[6]] {
            if let Some(packed) = pack(tool, &seed.core.bytes) {
                is_the_same(&seed.name, &tool.join(" "), &packed, &plain);
            }
        }
    }
}

/// Skippable frames, as RFC 8878 (3.1.2) has them: of five bytes, and of more than it takes to tell what a file is.
fn skippable_frames() -> [Vec<u8>; 2] {
    let frame = |magic: u8, content: &[u8]| {
        let length = (content.len() as u32).to_le_bytes();
        [&[magic, 0x2a, 0x4d, 0x18], length.as_slice(), content].concat()
    };
    [frame(0x53, b"hello"), frame(0x5f, &[0x28; 5000])]
}

/// Two frames, members or streams, cut anywhere; one compression in another; frames to be skipped.
#[test]
fn a_file_may_have_many_parts_and_layers() {
    for name in ["writer.kernel", "writer.gcore"] {
        let bytes = Core::unpack(name).bytes();
        let plain = inspected(Arc::new(Bytes::new(bytes.clone())));
        let (head, tail) = bytes.split_at(bytes.len() / 3);
        for tool in TOOLS {
            let (Some(head), Some(tail)) = (pack(tool, head), pack(tool, tail)) else { continue };
            is_the_same(name, &format!("twice {tool:?}"), &[head.clone(), tail.clone()].concat(), &plain);
            if ["zstd", "lz4", "pzstd"].contains(&tool[0]) {
                for skipped in &skippable_frames() {
                    let parts =
                        [skipped, skipped, &head, skipped, &tail, skipped].map(Vec::as_slice).concat();
                    is_the_same(name, &format!("{tool:?} with skippable frames"), &parts, &plain);
                }
            }
            for outer in [TOOLS[0], TOOLS[5]] {
                let Some(packed) = pack(tool, &bytes).and_then(|inner| pack(outer, &inner)) else { continue };
                is_the_same(name, &format!("{tool:?} in {outer:?}"), &packed, &plain);
            }
        }
    }
}

/// `lz4 -l` marks no end of a frame: the next one's magic number stands where a block's length would.
#[test]
fn frames_of_lz4_stand_one_behind_the_other() {
    let bytes = Core::unpack("writer.kernel").bytes();
    let plain = inspected(Arc::new(Bytes::new(bytes.clone())));
    let (old, new) = (TOOLS[2], TOOLS[1]);
    let (first, rest) = bytes.split_at(bytes.len() / 3);
    let (second, third) = rest.split_at(bytes.len() / 3);
    for tools in [[old, old, old], [old, new, old], [old, old, new], [new, old, new], [old, new, new]] {
        let parts = [first, second, third].into_iter().zip(tools).map(|(part, tool)| pack(tool, part));
        let Some(parts) = parts.collect::<Option<Vec<_>>>() else { return };
        let packed = parts.concat();
        // lz4 itself gives the same.
        assert!(pack(&["lz4", "-dqc"], &packed).unwrap() == bytes, "{tools:?}");
        is_the_same("writer.kernel", &format!("{tools:?}"), &packed, &plain);
        let [short, long] = &skippable_frames();
        let between = [&parts[0], short, &parts[1], long, &parts[2]].map(Vec::as_slice).concat();
        assert!(pack(&["lz4", "-dqc"], &between).unwrap() == bytes, "{tools:?}");
        is_the_same("writer.kernel", &format!("{tools:?}, skippable"), &between, &plain);
    }
}

/// Blocks of 8 MiB, one of which cannot be compressed, and a frame behind a whole one.
#[test]
fn a_legacy_frame_may_have_many_blocks() {
    let mut random = crate::random::Random::new(8);
    let mut bytes: Vec<u8> = (0..9 << 20).map(|_| random.below(256) as u8).collect();
    bytes.resize(16 << 20, 7);
    let Some(packed) = pack(TOOLS[2], &bytes) else { return };
    let twice = [packed.clone(), packed].concat();
    let stream = Stream::of_pipe(Cursor::new(twice), reading(Amount::Everything)).unwrap();
    for half in 0..2 {
        let mut found = vec![0; bytes.len()];
        let at = coreinspect::position::FileOffset::new(half * bytes.len() as u64);
        assert_eq!(stream.read_at(at, &mut found).unwrap(), bytes.len());
        assert!(found == bytes, "half {half}");
    }
    assert_eq!(stream.damage(), None);
}

/// As a tape or a block device fills up. What gzip -dc and the others give of it is the whole dump.
#[test]
fn zeroes_behind_the_last_member_are_no_damage() {
    let bytes = Core::unpack("writer.kernel").bytes();
    let plain = inspected(Arc::new(Bytes::new(bytes.clone())));
    for tool in [TOOLS[4], TOOLS[5], TOOLS[6]] {
        let Some(packed) = pack(tool, &bytes) else { continue };
        for zeroes in [4, 512, 200_000] {
            let padded = [packed.as_slice(), &vec![0; zeroes]].concat();
            is_the_same("writer.kernel", &format!("{tool:?} and {zeroes} zeroes"), &padded, &plain);
            let behind = [padded, b"more".to_vec()].concat();
            let stream = Stream::of_pipe(Cursor::new(behind), reading(Amount::Everything)).unwrap();
            stream.read_at(coreinspect::position::FileOffset::new(u64::MAX / 2), &mut [0]).unwrap();
            assert!(stream.damage().is_some(), "{tool:?} and {zeroes} zeroes, then more");
        }
    }
}

/// The frame names the dictionary by its number, and cannot be read without it.
#[test]
fn a_stream_that_wants_a_dictionary_says_so() {
    let core = Core::unpack("writer.kernel");
    let dictionary = core.folder().join("dictionary");
    // A dictionary's head is its magic number, its own number and tables; zstd trains one of many samples.
    for number in 0..200 {
        let sample: String =
            (0..40).map(|line| format!("{} sample {line} of {number}\n", number * line)).collect();
        std::fs::write(core.folder().join(format!("sample{number}")), sample).unwrap();
    }
    if !have("zstd") {
        return;
    }
    let train = "zstd -q --train sample* --maxdict=4096 -o dictionary 2> /dev/null";
    let trained = Command::new("sh").args(["-c", train]).current_dir(core.folder()).status().unwrap();
    assert!(trained.success());
    let packed = pack(&["zstd", "-qcD", dictionary.to_str().unwrap()], &core.bytes()).unwrap();
    let path = core.folder().join("packed");
    std::fs::write(&path, &packed).unwrap();
    let file = Run::of(coreinspect().arg(&path)).ended(2);
    let pipe = Run::fed(coreinspect().arg("-"), &packed).ended(2);
    for run in [file, pipe] {
        assert!(run.err.contains("the zstd stream was made with a dictionary"), "{run:?}");
        assert!(run.err.contains("zstd -dc -D DICTIONARY"), "{run:?}");
    }
}

#[test]
fn a_file_that_is_wrapped_five_times_is_refused() {
    let mut packed = Core::unpack("writer.kernel").bytes();
    for _ in 0..5 {
        let Some(more) = pack(TOOLS[5], &packed) else { return };
        packed = more;
    }
    let error = Stream::of_pipe(Cursor::new(packed), Reading::default()).unwrap_err().to_string();
    assert!(error.contains("wrapped more than 4 times"), "{error}");
}

/// Apport's report as its own problem_report.py writes it: one line of base64 for the gzip header, one for each piece.
pub(crate) fn apport_report(stream: &[u8]) -> Option<Vec<u8>> {
    let mut report =
        b"ProblemType: Crash\nProcCmdline: base64 CoreDump\nProcMaps:\n 00400000-00401000 r--p\n \
        CoreDump: base64\nCoreDump: base64\n"
            .to_vec();
    let (header, rest) = stream.split_at(10);
    for piece in std::iter::once(header).chain(rest.chunks(20_000)) {
        report.push(b' ');
        report.extend(pack(&["base64", "-w0"], piece)?);
        report.push(b'\n');
    }
    report.extend(b"Uname: Linux 6.8\nUserGroups: N/A\n");
    Some(report)
}

#[test]
fn an_apport_report_is_read() {
    for name in ["writer.kernel", "writer.gcore", "segv.kernel"] {
        let bytes = Core::unpack(name).bytes();
        let plain = inspected(Arc::new(Bytes::new(bytes.clone())));
        for tool in [TOOLS[0], TOOLS[5], TOOLS[7], TOOLS[2]] {
            let Some(report) = pack(tool, &bytes).and_then(|stream| apport_report(&stream)) else { return };
            is_the_same(name, &format!("apport with {tool:?}"), &report, &plain);
        }
    }
}

/// By the program: the listing, a segment in full, its bytes.
#[test]
fn the_program_reads_files_and_pipes_alike() {
    for name in ["writer.kernel", "writer.gcore", "readonly.kernel"] {
        let core = Core::unpack(name);
        let path = core.folder().join("packed");
        for tool in TOOLS {
            let Some(packed) = pack(tool, &core.bytes()) else { continue };
            std::fs::write(&path, &packed).unwrap();
            for command in
                [&["--json"] as &[&str], &["show", "--no-pager", "--hex"], &["extract", "-o", "-", "#1"]]
            {
                let run = |dump: &str, input: Option<&[u8]>| {
                    let mut program = coreinspect();
                    let (verb, rest) = command.split_at(1);
                    match command.len() {
                        4 => program.args(verb).arg(dump).arg("#1").args(["-o", "-"]),
                        _ => program.args(verb).args(rest).arg(dump),
                    };
                    program.current_dir(core.folder());
                    match input {
                        Some(input) => Run::fed(&mut program, input),
                        None => Run::of(&mut program),
                    }
                };
                let plain = run("core", None);
                let out = |run: &Run| String::from_utf8_lossy(&run.out).replace("\"packed\"", "\"core\"");
                let piped = |run: &Run| out(run).replace("\"path\": \"-\"", "\"path\": \"core\"");
                let file = run("packed", None);
                assert_eq!(
                    (out(&file), file.status),
                    (out(&plain), plain.status),
                    "{name} {tool:?} {command:?}"
                );
                let pipe = run("-", Some(&packed));
                assert_eq!(
                    (piped(&pipe), pipe.status),
                    (out(&plain), plain.status),
                    "{name} {tool:?} {command:?}"
                );
            }
        }
    }
}
