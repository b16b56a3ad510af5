//! What is known of times, as one list: held against the kernel's own words and the file's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{X86_64, segment_name};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::live::segment;
use crate::live::subject::Subject;
use crate::program::{Run, coreinspect};
use crate::testdata::Core;

const TITLE: &str = "times that are known, the oldest first";

/// The times of a list, with what is said of each.
fn told(text: &str) -> Vec<(String, String)> {
    let rows =
        text.lines().skip_while(|line| *line != TITLE).skip(1).take_while(|line| line.starts_with("  "));
    rows.map(|row| row.trim().split_once("  ").unwrap())
        .map(|(time, what)| (time.into(), what.into()))
        .collect()
}

#[test]
fn a_core_of_ours_orders_what_the_kernel_and_the_file_say() {
    let segment = segment::Segment::of_pages(1);
    let Some(subject) = Subject::start(&[segment.attach()]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let core = folder.path().join("core");
    Run::of(coreinspect().args(["dump", &subject.pid().to_string(), "-o"]).arg(&core)).ended(0);
    // Long before the segment.
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    std::fs::File::options().write(true).open(&core).unwrap().set_modified(old).unwrap();
    let run = Run::of(coreinspect().arg("show").arg(&core));
    let times = told(run.text());
    assert_eq!(
        times[0],
        ("2001-09-09T01:46:40Z".to_owned(), "the file was written last".to_owned()),
        "{}",
        run.text()
    );
    let said: Vec<_> = times[1..].iter().map(|(_, what)| what.as_str()).collect();
    assert!(said.contains(&"segment 1 was attached last"), "{said:?}");
    assert!(said.contains(&"segment 1 was created, or its owner or mode changed"), "{said:?}");
    let mut sorted = times.clone();
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(sorted, times);
    // The kernel gives whole seconds.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let year = 1970 + now / 31_556_952;
    assert!(times[1].0.starts_with(&year.to_string()), "{times:?}");
    let listed = Run::of(coreinspect().arg(&core).arg("-v"));
    assert!(told(listed.text()).len() >= 3, "{}", listed.text());
    assert!(!Run::of(coreinspect().arg(&core)).text().contains(TITLE));
}

#[test]
fn times_in_fields_are_told_with_their_paths() {
    let start = 0x1_0000;
    let row = Row { start, end: start + 4096, offset: 0, name: segment_name(0x4c00_0002) };
    let notes = vec![notes::prstatus(&X86_64, 1, 11), notes::file(&X86_64, 4096, &[row])];
    let mut bytes = [1_700_000_000_u64, 0, 1_600_000_000_000].map(u64::to_le_bytes).concat();
    bytes.resize(4096, 0);
    let segments = vec![Segment::notes(notes), Segment::load(start, 4096, R | W, Content::Bytes(bytes))];
    let folder = tempfile::tempdir().unwrap();
    let core = folder.path().join("core");
    let built = CoreBuilder { segments, ..CoreBuilder::new(X86_64) }.build();
    std::fs::write(&core, built.bytes).unwrap();
    let layout = "time_s u64 last; time_s u64 never; struct { time_ms u64 t } first[1]";
    let run = Run::of(coreinspect().arg("show").arg(&core).args(["--layout", layout]));
    let times = told(run.text());
    let known: Vec<_> = times.iter().map(|(time, what)| (time.as_str(), what.as_str())).collect();
    let expected = [
        ("2020-09-13T12:26:40Z", "segment 1, field first[0].t"),
        ("2023-11-14T22:13:20Z", "segment 1, field last"),
    ];
    assert_eq!(known[..2], expected, "{}", run.text());
    assert_eq!((known.len(), known[2].1), (3, "the file was written last"));
}

#[test]
fn a_kernel_core_knows_no_times() {
    let core = Core::unpack("writer.kernel");
    for arguments in [["show"].as_slice(), &["-v"]] {
        let run = Run::of(coreinspect().args(arguments).arg(core.path()));
        assert!(!run.text().contains(TITLE), "{}", run.text());
    }
}
