//! Streams that break off, or are changed on their way: they are read as far as they go, and nothing is made up.

use std::io::Cursor;

use coreinspect::position::FileOffset;
use coreinspect::source::{Amount, Bytes, Stream};

use super::{TOOLS, inspected, opened, pack, reading};
use crate::program::{Run, coreinspect};
use crate::random::Random;
use crate::testdata::Core;

/// The report of a stream that broke off is the report of the bytes that came, which are the dump's own first ones.
fn is_read_as_far_as_it_goes(what: &str, packed: &[u8], whole: &[u8]) {
    for amount in [Amount::Starts, Amount::Segments, Amount::Everything] {
        let piped = Stream::of_pipe(Cursor::new(packed.to_vec()), reading(amount));
        let Ok(piped) = piped else { continue };
        for source in opened(packed, amount).into_iter().chain([Box::new(piped) as Box<_>]) {
            let mut found = inspected(source.as_ref());
            let stream = source.stream().unwrap();
            assert!(stream.size_is_known(), "{what}: {amount:?}");
            let damage = stream.damage();
            let damage = damage.unwrap_or_else(|| panic!("{what}: {amount:?}: nothing is told: {found}"));
            let size = usize::try_from(source.size()).unwrap();
            assert!(damage.contains(&format!("{size} decompressed bytes into it")), "{what}: {damage}");
            let mut came = vec![0; 512];
            let count = source.read_at(FileOffset::new(0), &mut came).unwrap();
            assert_eq!(came[..count], whole[..count], "{what}");
            let expected = inspected(&Bytes::new(whole[..size].to_vec()));
            if expected["error"].is_null() {
                let warnings = found["warnings"].as_array_mut().unwrap();
                let last = warnings.pop().unwrap();
                assert_eq!(last["code"], "damaged-stream", "{what}: {last}");
                assert_eq!(found, expected, "{what}: {amount:?}");
            } else {
                assert_eq!(found["error"]["code"], "damaged-stream", "{what}: {found}");
            }
        }
    }
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

#[test]
fn bytes_that_changed_on_their_way_do_no_harm() {
    let mut random = Random::new(0x7374_7265_616d);
    for name in ["writer.kernel", "writer.gcore"] {
        let bytes = Core::unpack(name).bytes();
        for tool in TOOLS {
            let Some(packed) = pack(tool, &bytes) else { continue };
            for _ in 0..40 {
                let mut mutant = packed.clone();
                for _ in 0..=random.below(3) {
                    let at = random.below(mutant.len());
                    mutant[at] ^= 1 << random.below(8);
                }
                let piped = Stream::of_pipe(Cursor::new(mutant), reading(Amount::Starts));
                if let Ok(stream) = piped {
                    let ((), usage) = crate::allocations::measure(|| drop(inspected(&stream)));
                    assert!(usage.peak < 80 << 20, "{tool:?}: {} bytes", usage.peak);
                }
            }
        }
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
    assert!(run.err.contains("what came before is inspected"), "{run:?}");
    let document = Run::of(coreinspect().arg("--json").arg(&path)).document();
    assert_eq!(document["dumps"][0]["complete"], false);
    assert_eq!(document["dumps"][0]["segments"][0]["state"], "cut-off");
}
