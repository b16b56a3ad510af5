//! Streams that break off, or are changed on their way: they are read as far as they go, and nothing is made up.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use coreinspect::position::FileOffset;
use coreinspect::source::{Amount, Bytes, Limits, Reading, Stream};

use serde_json::Value;

use super::{TOOLS, inspected, opened, pack, reading};
use crate::program::{Run, coreinspect};
use crate::random::Random;
use crate::testdata::Core;
use crate::{allocations, pipeline};

/// The report of a stream that broke off is the report of the bytes that came, which are the dump's own first ones.
fn is_read_as_far_as_it_goes(what: &str, packed: &[u8], whole: &[u8]) {
    for amount in [Amount::Starts, Amount::Segments, Amount::Everything] {
        let piped = Stream::of_pipe(Cursor::new(packed.to_vec()), reading(amount));
        let Ok(piped) = piped else { continue };
        for source in opened(packed, amount).into_iter().chain([Arc::new(piped) as Arc<_>]) {
            let mut found = inspected(Arc::clone(&source));
            let stream = source.stream().unwrap();
            assert!(stream.size_is_known(), "{what}: {amount:?}");
            let damage = stream.damage();
            let damage = damage.unwrap_or_else(|| panic!("{what}: {amount:?}: nothing is told: {found}"));
            let size = usize::try_from(source.size()).unwrap();
            assert!(damage.contains(&format!("{size} decompressed bytes into it")), "{what}: {damage}");
            let mut came = vec![0; 512];
            let count = source.read_at(FileOffset::new(0), &mut came).unwrap();
            assert_eq!(came[..count], whole[..count], "{what}");
            let mut expected = inspected(Arc::new(Bytes::new(whole[..size].to_vec())));
            if expected["error"].is_null() {
                let warnings = found["warnings"].as_array_mut().unwrap();
                let last = warnings.pop().unwrap();
                assert_eq!(last["code"], "damaged-stream", "{what}: {last}");
                // The dump may be whole: another copy helps, not another dump.
                for cause in causes(&mut found).into_iter().filter(|cause| cause["code"] == "truncated") {
                    assert!(cause["fix"].as_str().unwrap().contains("a whole copy"), "{what}: {cause}");
                }
                for cause in causes(&mut found).into_iter().chain(causes(&mut expected)) {
                    cause["fix"] = Value::Null;
                }
                assert_eq!(found, expected, "{what}: {amount:?}");
            } else {
                assert_eq!(found["error"]["code"], "damaged-stream", "{what}: {found}");
            }
        }
    }
}

fn causes(dump: &mut Value) -> Vec<&mut Value> {
    let segments = dump["segments"].as_array_mut().unwrap();
    segments.iter_mut().flat_map(|segment| segment["causes"].as_array_mut().unwrap()).collect()
}

#[test]
fn a_stream_that_is_cut_short_is_read_as_far_as_it_goes() {
    for name in ["writer.kernel", "writer.gcore", "split.kernel"] {
        let bytes = Core::unpack(name).bytes();
        for tool in TOOLS.iter().filter(|tool| !tool.contains(&"-qlc")) {
            let Some(packed) = pack(tool, &bytes) else { continue };
            for part in 1..10 {
                let length = packed.len() * part / 10;
                is_read_as_far_as_it_goes(&format!("{name}, {tool:?}, {length}"), &packed[..length], &bytes);
            }
        }
        // With the size told in a header that is still there.
        let told = crate::testdata::packed(name);
        is_read_as_far_as_it_goes(&format!("{name}, told"), &told[..told.len() - 5], &bytes);
    }
}

/// What is counted of a decoder: its window, and buffers beside it.
const MOST_MEMORY: i64 = (128 + 24) << 20;

/// Runs `count` streams of `seeds` with a few bytes changed, cut or doubled.
fn run_mutants(seeds: &[Vec<u8>], count: u64) {
    for number in 0..count {
        let mut random = Random::new(0x7374_7265_616d ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        let mut mutant = random.pick(seeds).clone();
        for _ in 0..=random.below(3) {
            let at = random.below(mutant.len());
            match random.below(8) {
                0 => mutant.truncate(at.max(1)),
                1 => mutant[at] = *random.pick(&[0, 1, 0x7f, 0x80, 0xff]),
                2 => {
                    let length = (1 + random.below(64)).min(mutant.len() - at);
                    let again = mutant[at..at + length].to_vec();
                    mutant.splice(at..at, again);
                }
                // Headers stand at the start, and decide most.
                3 | 4 => {
                    let at = at.min(random.below(32));
                    mutant[at] ^= 1 << random.below(8);
                }
                _ => mutant[at] ^= 1 << random.below(8),
            }
        }
        let amount = *random.pick(&[Amount::Starts, Amount::Segments, Amount::Everything]);
        let limits = Limits { most_bytes: 256 << 20, named: true };
        let reading = Reading { amount, limits, ..Reading::default() };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            allocations::measure(|| {
                let stream = Stream::of_pipe(Cursor::new(mutant), reading).ok()?;
                let inspected = pipeline::inspect_source(Arc::new(stream));
                Some((inspected.harm(), inspected.dump.error.is_some()))
            })
        }));
        let (result, usage) = outcome.unwrap_or_else(|_| panic!("mutant {number} panicked"));
        if let Some((harm, _)) = result {
            assert_eq!(harm, None, "mutant {number}");
        }
        assert!(usage.peak <= MOST_MEMORY, "mutant {number} took {} bytes", usage.peak);
    }
}

fn packed_seeds() -> Vec<Vec<u8>> {
    let cores = crate::seeds::built();
    let mut seeds = vec![];
    for (at, tool) in TOOLS.iter().enumerate() {
        for core in cores.iter().skip(at % 3).step_by(3) {
            seeds.extend(pack(tool, &core.core.bytes));
        }
    }
    seeds.extend(cores.iter().filter_map(|core| super::apport_report(&pack(TOOLS[5], &core.core.bytes)?)));
    seeds
}

#[test]
#[ignore = "a minute with --profile hardened"]
fn mutants_of_streams() {
    let before = std::time::Instant::now();
    run_mutants(&packed_seeds(), 100_000);
    println!("100000 mutants of streams in {:?}", before.elapsed());
}

#[test]
fn some_mutants_of_streams() {
    let seeds = packed_seeds();
    if !seeds.is_empty() {
        run_mutants(&seeds, 3_000);
    }
}

#[test]
fn what_broke_off_is_told() {
    let bytes = Core::unpack("writer.kernel").bytes();
    let Some(packed) = pack(TOOLS[5], &bytes) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("core.gz");
    std::fs::write(&path, &packed[..packed.len() / 3]).unwrap();
    let run = Run::of(coreinspect().arg(&path)).ended(0);
    assert!(run.err.contains("the gzip stream ends early"), "{run:?}");
    assert!(run.err.contains("coreinspect inspects what came before"), "{run:?}");
    let document = Run::of(coreinspect().arg("--json").arg(&path)).document();
    assert_eq!(document["dumps"][0]["complete"], false);
    assert_eq!(document["dumps"][0]["segments"][0]["state"], "cut-off");
}
