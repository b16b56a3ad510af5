//! Dumps of real programs (testdata/programs-corpus): no layout names a program that is not there.
//!
//! What each segment is, the script that started the program wrote beside the dump.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use coreinspect::layout::{BUILTIN, Subject};
use coreinspect::machine::{ByteOrder, Class, Machine};
use coreinspect::source::{self, Reading};
use coreinspect::types::Budget;
use serde_json::{Value, json};
use shmcore::Key;

use crate::compressed::inspected;
use crate::program::{Run, coreinspect};

/// A dump of the corpus.
struct Program {
    name: String,
    dump: PathBuf,
    expected: Value,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/programs-corpus")
}

fn programs() -> Vec<Program> {
    let files = std::fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().path());
    let mut programs: Vec<_> = files
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".dump.zst")?.to_owned();
            let facts = std::fs::read(path.with_file_name(format!("{name}.expected.json"))).unwrap();
            Some(Program { name, dump: path, expected: serde_json::from_slice(&facts).unwrap() })
        })
        .collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    programs
}

/// What the table of the README counts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    dumps: u64,
    segments: u64,
    /// Segments of programs that a built-in layout knows, and those that were named.
    known: u64,
    named: u64,
    /// Segments that were called another program's.
    false_claims: u64,
}

/// The layout that is claimed: one that nothing speaks for is none.
fn claimed(segment: &Value) -> Option<&str> {
    let content = &segment["content"];
    content["layout"].as_str().filter(|_| content["confidence"] != "none")
}

#[test]
fn no_layout_names_a_program_that_is_not_there() {
    let mut counts = Counts::default();
    let mut wrong = Vec::new();
    for program in programs() {
        let opened = source::open(&program.dump, Reading::default()).unwrap();
        let dump = inspected(opened.source);
        assert_eq!(dump["error"], Value::Null, "{}", program.name);
        let found = dump["segments"].as_array().unwrap();
        let expected = program.expected["segments"].as_array().unwrap();
        let facts =
            |segment: &Value| (segment["key"].clone(), segment["shmid"].clone(), segment["size"].clone());
        let sorted = |segments: &[Value]| {
            let facts = segments.iter().map(|segment| (segment["shmid"].as_u64(), facts(segment)));
            facts.collect::<BTreeMap<_, _>>()
        };
        assert_eq!(sorted(found), sorted(expected), "{}", program.name);
        counts.dumps += 1;
        for segment in found {
            let truth = expected.iter().find(|truth| truth["shmid"] == segment["shmid"]).unwrap();
            let (layout, claim) = (truth["layout"].as_str(), claimed(segment));
            counts.segments += 1;
            counts.known += u64::from(layout.is_some());
            counts.named += u64::from(layout.is_some() && claim == layout);
            if claim.is_some() && claim != layout {
                counts.false_claims += 1;
                wrong.push(format!(
                    "{}: {} is {}: {}",
                    program.name, truth["key"], truth["what"], segment["content"]
                ));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(counts.dumps >= 60 && counts.known >= 20, "{counts:?}");
    assert_eq!(counts, written_in_the_readme(), "the row of this version in the corpus's README");
}

/// The row `| this version | ... |`.
fn written_in_the_readme() -> Counts {
    let text = std::fs::read_to_string(corpus().join("README.md")).unwrap();
    let row = text.lines().find(|line| line.starts_with("| this version |")).unwrap();
    let numbers: Vec<u64> = row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
    let [dumps, segments, known, named, false_claims] = numbers[..] else { panic!("{row}") };
    Counts { dumps, segments, known, named, false_claims }
}

const X86_64: Machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };

/// The same bytes under a key that is another program's, and without a name: the key alone proves nothing.
#[test]
fn another_programs_key_makes_no_claim() {
    let keys = [None, Some(0), Some(0x4e54_5031), Some(0x4750_5344), Some(0x4841_4c32)];
    let mut seen = 0;
    for program in programs() {
        let opened = source::open(&program.dump, Reading::default()).unwrap();
        let dump = inspected(opened.source);
        for (segment, truth) in dump["segments"].as_array().unwrap().iter().zip(truths(&dump, &program)) {
            let number = segment["number"].to_string();
            let bytes =
                Run::of(coreinspect().arg("extract").arg(&program.dump).args([&number, "-o", "-"])).out;
            // Hardly anything was written to it: what a key says of zeroes is likely.
            if bytes.iter().filter(|byte| **byte != 0).count() < 16 {
                continue;
            }
            let contents = bytes.as_slice();
            for key in keys {
                for layout in BUILTIN {
                    let budget = Budget::unlimited();
                    let key = key.map(Key::from_bits);
                    let subject = Subject::new(&contents, key, X86_64, None, &budget);
                    let verdict = layout.recognise(&subject);
                    let sure = matches!(verdict.confidence().name(), "certain" | "likely");
                    let own = truth["layout"] == json!(layout.name());
                    assert!(!sure || own, "{} {key:?}: {}: {verdict:?}", program.name, layout.name());
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 1000, "{seen}");
}

/// What is expected of each segment of `dump`, in its order.
fn truths<'p>(dump: &Value, program: &'p Program) -> Vec<&'p Value> {
    let expected = program.expected["segments"].as_array().unwrap();
    let found = dump["segments"].as_array().unwrap().iter();
    found.map(|segment| expected.iter().find(|truth| truth["shmid"] == segment["shmid"]).unwrap()).collect()
}
