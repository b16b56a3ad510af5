//! `coreinspect restore`: a segment is alive again, with what the dump had of it.

use serde_json::Value;
use shmcore::{Access, Key, OwnedSegment, Permissions, ShmId};

use crate::live::segment::{PAGE, Segment, private_key};
use crate::live::subject::Subject;
use crate::program::{Run, coreinspect};
use crate::testdata::Core;

/// The segment that `restore` said it made; it goes with this value.
fn made(document: &Value) -> OwnedSegment {
    let shmid = i32::try_from(document["shmid"].as_i64().unwrap()).unwrap();
    OwnedSegment::new(shmcore::Segment::from_id(ShmId::from_raw(shmid)))
}

fn bytes(segment: &OwnedSegment) -> Vec<u8> {
    let attachment = segment.attach(Access::ReadOnly).unwrap();
    let mut bytes = vec![0; attachment.size()];
    attachment.read(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn what_a_dead_process_left_is_alive_again() {
    let segment = Segment::of_size(5000);
    let Some(subject) = Subject::start(&[segment.attach()]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let core = folder.path().join("core");
    Run::of(coreinspect().args(["dump", &subject.pid().to_string(), "-o"]).arg(&core)).ended(0);
    let before = segment.bytes();
    let restore =
        |flags: &[&str]| Run::of(coreinspect().arg("restore").arg(&core).arg(segment.key()).args(flags));

    // Its own key is taken: by whom, and how to free it.
    let taken = restore(&[]).ended(2);
    let told =
        format!("is taken by the segment with shmid {0}; remove that (`ipcrm -m {0}`)", segment.shmid());
    assert!(taken.err.contains(&told), "{}", taken.err);

    let key = Key::from_bits(private_key());
    let other = restore(&["--key", &key.to_string(), "--json"]).ended(0);
    let restored = made(&other.document());
    let status = restored.status().unwrap();
    assert_eq!((status.key(), status.size(), status.attach_count()), (key, 5000, 0));
    assert_eq!(status.permissions().mode(), 0o600);
    assert!(bytes(&restored) == before[..5000]);

    let private = restore(&["--key", "0", "--json"]).ended(0).document();
    let private = made(&private);
    assert!(private.status().unwrap().key().is_private() && bytes(&private) == before[..5000]);

    // Under its own key, once that is free.
    segment.remove();
    let own = restore(&[]).ended(0);
    assert!(own.text().starts_with("shmid ") && own.text().contains(&segment.key()), "{own:?}");
    let found = OwnedSegment::new(shmcore::Segment::open(segment.key().parse().unwrap()).unwrap());
    assert!(bytes(&found) == before[..5000] && found.status().unwrap().permissions() == Permissions::OWNER);
}

/// A kernel core has the first page of a read-only attach, and no exact size.
#[test]
fn what_the_dump_lacks_is_zero_and_named() {
    let core = Core::unpack("readonly.kernel");
    let listing = Run::of(coreinspect().arg("--json").arg(core.path())).ended(0).document();
    let partial = listing["dumps"][0]["segments"].as_array().unwrap();
    let partial = partial.iter().find(|segment| segment["state"] == "partial").unwrap();
    let mapped = partial["mapped"].as_u64().unwrap();
    let number = format!("#{}", partial["number"]);
    let run = Run::of(coreinspect().arg("restore").arg(core.path()).args([&number, "--key", "0", "--json"]));
    assert_eq!(run.status, 0, "{run:?}");
    let document = run.document();
    let restored = made(&document);
    assert_eq!((&document["size"], &document["size_known"]), (&mapped.into(), &false.into()));
    assert_eq!(document["written"], partial["saved"]);
    assert!(run.err.contains("are not in the dump (not-saved): left zero"), "{}", run.err);
    assert!(run.err.contains("in whole pages"), "{}", run.err);
    let bytes = bytes(&restored);
    assert!(bytes[..PAGE].iter().any(|byte| *byte != 0) && bytes[PAGE..].iter().all(|byte| *byte == 0));
    assert_eq!(document["missing"][0]["start"], PAGE);
}

#[test]
fn what_goes_wrong_leaves_no_segment() {
    let core = Core::unpack("writer.kernel");
    let run = |words: &[&str]| Run::of(coreinspect().arg("restore").arg(core.path()).args(words)).ended(2);
    assert!(run(&["#9"]).err.contains('9'));
    assert!(run(&[]).err.contains("name one SEGMENT"));
    assert!(run(&["#1", "--key", "nonsense"]).err.contains("is not a System V key"));
    // Nobody reads the answer: what nobody knows of must not stay.
    let key = Key::from_bits(private_key());
    let program = env!("CARGO_BIN_EXE_coreinspect");
    let script = format!("{program} restore {} '#1' --key {key} > /dev/full", core.path().display());
    let status =
        std::process::Command::new("sh").args(["-c", &script]).stderr(std::process::Stdio::null()).status();
    assert_ne!(status.unwrap().code(), Some(0));
    assert!(shmcore::Segment::open(key).is_err());
}
