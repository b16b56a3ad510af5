//! What a layout says in a sentence: in the listing, not its fields, and what the next step is.

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use crate::program::{Run, coreinspect};

const BASE: u64 = 0x1000_0000;

/// A dump of a segment of this key that begins with these bytes.
fn dump(key: u32, bytes: &[u8]) -> tempfile::NamedTempFile {
    let end = BASE + 0x1000;
    let row = Row { start: BASE, end, offset: 0, name: presets::segment_name(key) };
    let mut page = bytes.to_vec();
    page.resize(0x1000, 0);
    let segments = vec![
        Segment::notes(vec![notes::file(&X86_64, 4096, &[row])]),
        Segment::load(BASE, 0x1000, R | W, Content::Bytes(page)),
    ];
    let file = tempfile::NamedTempFile::new().unwrap();
    CoreBuilder { segments, ..CoreBuilder::new(X86_64) }.write_to(file.as_file());
    file
}

/// `struct shmTime` of ntp's refclock_shm.c on x86-64.
fn time(seconds: i64, valid: i32) -> Vec<u8> {
    let mut bytes = vec![0; 96];
    bytes[8..16].copy_from_slice(&seconds.to_le_bytes());
    bytes[24..32].copy_from_slice(&seconds.to_le_bytes());
    bytes[48..52].copy_from_slice(&valid.to_le_bytes());
    bytes
}

#[test]
fn the_listing_has_the_sentence_and_v_the_fields() {
    // date -u -d @1767225600
    for (bytes, sentence) in [
        (time(0, 0), "NTP unit 3: no clock has written yet (likely)"),
        (time(1_767_225_600, 1), "NTP unit 3: clock at 2026-01-01T00:00:00Z, not yet read"),
        (time(1_767_225_600, 0), "NTP unit 3: clock at 2026-01-01T00:00:00Z, read already"),
    ] {
        let file = dump(0x4e54_5033, &bytes);
        let run = |words: &[&str]| Run::of(coreinspect().args(words).arg(file.path())).ended(0);
        let listed = run(&[]);
        assert!(listed.lines().iter().any(|line| line.ends_with(sentence)), "{listed:?}");
        assert!(!listed.text().contains("clockTimeStampSec"), "{listed:?}");
        assert!(run(&["-v"]).text().contains("clockTimeStampSec="));
        let shown = run(&["show"]);
        let plain = sentence.trim_end_matches(" (likely)");
        assert!(shown.text().contains(&format!("says        {plain}")), "{shown:?}");
        assert!(shown.text().contains("clockTimeStampSec"), "{shown:?}");
    }
}

/// A struct that is read at another place than its segment's start, or by force, has fields and no sentence of a program.
#[test]
fn what_is_asked_for_is_told_by_its_fields() {
    let file = dump(0x7300_0002, &[1, 0, 0, 0]);
    let run = Run::of(coreinspect().args(["--layout", "u32 n; u32 m"]).arg(file.path())).ended(0);
    assert!(run.text().contains("n=1 m=0"), "{run:?}");
}

/// PHP's header (php ext/sysvshm/php_sysvshm.h), without a variable: what is stored in no variable is none.
#[test]
fn php_says_how_full_it_is() {
    let longs = [40_i64, 40, 1000 - 40, 1000];
    let mut bytes = b"PHP_SM\0\0".to_vec();
    longs.iter().for_each(|long| bytes.extend(long.to_le_bytes()));
    let run = Run::of(coreinspect().arg(dump(0x7300_0003, &bytes).path())).ended(0);
    assert!(run.text().contains("PHP: 0 variables, 40 of 1000 bytes used"), "{run:?}");
}
