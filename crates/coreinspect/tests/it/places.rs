//! How a segment of a dump is named: a key in any spelling, a number of the listing, an address.

use std::fs;

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

/// `show core PLACE`.
fn show(core: &Core, places: &[&str]) -> Run {
    Run::of(coreinspect().args(["show", "core"]).args(places).current_dir(core.folder()))
}

/// The numbers of the segments that `places` name.
fn numbers(core: &Core, places: &[&str]) -> Vec<u64> {
    let document = show(core, &[&["--json"], places].concat()).ended(0).document();
    let segments = document["dumps"][0]["segments"].as_array().unwrap().clone();
    segments.iter().map(|segment| segment["number"].as_u64().unwrap()).collect()
}

#[test]
fn every_spelling_of_a_key_names_its_segment() {
    for name in ["writer.kernel", "negative-key.kernel", "readonly.gcore", "i386.kernel"] {
        let core = Core::unpack(name);
        let digits = &core.key()[2..];
        let bits = u32::from_str_radix(digits, 16).unwrap();
        let expected = show(&core, &["#1"]).ended(0);
        let upper = digits.to_uppercase();
        for spelling in [
            core.key().to_owned(),
            digits.to_owned(),
            upper.clone(),
            format!("0x{upper}"),
            format!("0X{digits}"),
            format!("SYSV{digits}"),
            format!("/SYSV{digits}"),
            format!("/SYSV{digits} (deleted)"),
            bits.to_string(),
            bits.cast_signed().to_string(),
            "1".to_owned(),
        ] {
            assert_eq!(show(&core, &[&spelling]), expected, "{name}: {spelling}");
            let run = Run::of(
                coreinspect().args(["extract", "core", &spelling, "-o", "-"]).current_dir(core.folder()),
            );
            assert!(!run.ended(0).out.is_empty());
        }
    }
}

#[test]
fn an_address_names_the_segment_that_it_lies_in() {
    let core = Core::unpack("private.kernel");
    for (at, segment) in core.segments().iter().enumerate() {
        let address = |name: &str| {
            let text = segment["attachments"][0][name].as_str().unwrap();
            u64::from_str_radix(&text[2..], 16).unwrap()
        };
        let (start, end) = (address("start"), address("end"));
        for inside in [start, start + 1, end - 1] {
            for spelling in [format!("@{inside:#x}"), format!("@{inside:x}"), format!("@0X{inside:X}")] {
                assert_eq!(numbers(&core, &[&spelling]), [at as u64 + 1], "{spelling}");
            }
        }
    }
    // The two abut: the end of the first is the start of the second, the end of the second is nobody's.
    let end = core.segments()[1]["attachments"][0]["end"].as_str().unwrap();
    let run = show(&core, &[&format!("@{end}")]).ended(2);
    assert!(run.err.contains(end) && run.err.contains("it has 1 0x00000000, 2 0x00000000"), "{run:?}");
}

/// Both attachments of a segment, but not the page between their mappings that was unmapped.
#[test]
fn an_address_may_lie_in_any_attachment() {
    let core = Core::unpack("split.kernel");
    for attachment in core.segment()["attachments"].as_array().unwrap() {
        for mapping in attachment["mappings"].as_array().unwrap() {
            assert_eq!(numbers(&core, &[&format!("@{}", mapping["start"].as_str().unwrap())]), [1]);
        }
    }
    let unmapped = core.segment()["attachments"][0]["mappings"][0]["end"].as_str().unwrap();
    show(&core, &[&format!("@{unmapped}")]).ended(2);
}

#[test]
fn a_key_of_several_segments_is_an_error_that_lists_them() {
    let core = Core::unpack("private.kernel");
    for spelling in ["0", "0x00000000", "00000000", "SYSV00000000", "0x0"] {
        for run in [
            show(&core, &[spelling]),
            Run::of(coreinspect().args(["extract", "core", spelling, "-o", "-"]).current_dir(core.folder())),
        ] {
            let run = run.ended(2);
            assert_eq!(run.text(), "");
            for listed in ["1 0x00000000", "2 0x00000000"] {
                assert!(run.err.contains(listed), "{spelling}: {run:?}");
            }
        }
    }
}

#[test]
fn what_names_no_segment_is_an_error_that_lists_what_there_is() {
    let core = Core::unpack("writer.kernel");
    for wrong in ["#2", "2", "#0", "0", "0x12345678", "SYSV12345678", "@0x1000", "@0", "-1", "4294967295"] {
        let run = show(&core, &[wrong]).ended(2);
        assert_eq!(run.text(), "", "{wrong}");
        assert!(
            run.err.contains(wrong) && run.err.contains(&format!("1 {}", core.key())),
            "{wrong}: {run:?}"
        );
    }
    // With one that is right, too: a typo must not pass unseen.
    show(&core, &["#1", "#2"]).ended(2);
    let none = Core::unpack("nosegment.kernel");
    // Its numbers are those of shared memory of other kinds.
    let run = show(&none, &["#9"]).ended(2);
    assert!(run.err.contains("names no segment of this dump"), "{run:?}");
    let run = show(&none, &["0x12345678"]).ended(2);
    assert!(run.err.contains("no System V segment"), "{run:?}");
    show(&none, &[]).ended(1);
}

/// `private.kernel` with the keys of its two segments replaced.
fn with_keys(first: u32, second: u32) -> Core {
    let core = Core::unpack("private.kernel");
    let mut bytes = core.bytes();
    let old = b"/SYSV00000000 (deleted)\0";
    let found: Vec<_> = bytes.windows(old.len()).enumerate().filter(|(_, window)| *window == old).collect();
    let places: Vec<_> = found.iter().map(|(at, _)| at + b"/SYSV".len()).collect();
    assert_eq!(places.len(), 2);
    for (at, key) in places.into_iter().zip([first, second]) {
        bytes[at..at + 8].copy_from_slice(format!("{key:08x}").as_bytes());
    }
    fs::write(core.path(), bytes).unwrap();
    core
}

/// Eight digits are decimal and hexadecimal at once: a guess would be wrong half of the time.
#[test]
fn digits_that_fit_two_keys_are_an_error() {
    let core = with_keys(0x1234_5678, 12_345_678);
    let run = show(&core, &["12345678"]).ended(2);
    assert!(run.err.contains("1 0x12345678") && run.err.contains("2 0x00bc614e"), "{run:?}");
    assert_eq!(numbers(&core, &["0x12345678"]), [1]);
    assert_eq!(numbers(&core, &["0x00bc614e"]), [2]);
    assert_eq!(numbers(&core, &["305419896"]), [1], "0x12345678 in decimal");
    // Where just one reading is a key of the dump, that is meant.
    assert_eq!(numbers(&with_keys(0x1234_5678, 7), &["12345678"]), [1]);
    assert_eq!(numbers(&with_keys(7, 12_345_678), &["12345678"]), [2]);
}

#[test]
fn a_bare_number_is_a_key_first() {
    let core = with_keys(2, 1);
    assert_eq!(numbers(&core, &["1"]), [2]);
    assert_eq!(numbers(&core, &["#1"]), [1]);
    assert_eq!(numbers(&core, &["2"]), [1]);
    let core = with_keys(0x4f1d_0001, 0x4f1d_0002);
    assert_eq!(numbers(&core, &["2"]), [2]);
}

#[test]
fn several_places_keep_the_order_of_the_listing() {
    let core = Core::unpack("private.kernel");
    assert_eq!(numbers(&core, &[]), [1, 2]);
    assert_eq!(numbers(&core, &["#2", "#1"]), [1, 2]);
    assert_eq!(numbers(&core, &["#2", "#2"]), [2]);
}

/// `SEGMENT+OFFSET` with every spelling of a segment, hexadecimal and decimal; an address counts from itself on.
#[test]
fn an_offset_behind_a_name_is_a_place() {
    let core = Core::unpack("two-attachments.kernel");
    let digits = &core.key()[2..];
    let bits = u32::from_str_radix(digits, 16).unwrap();
    let starts = core.segment()["attachments"].as_array().unwrap().iter();
    let starts = starts.map(|attachment| attachment["start"].as_str().unwrap());
    let at = |start: &str, more: u64| {
        format!("@{:#x}", u64::from_str_radix(start.trim_start_matches("0x"), 16).unwrap() + more)
    };
    let addresses = starts.flat_map(|start| {
        [at(start, 0x1001), format!("{}+0x1", at(start, 0x1000)), format!("@{}+4097", &start[2..])]
    });
    let names = [
        "1".to_owned(),
        "#1".to_owned(),
        core.key().to_owned(),
        digits.to_owned(),
        bits.to_string(),
        bits.cast_signed().to_string(),
        format!("SYSV{digits}"),
        format!("/SYSV{digits} (deleted)"),
    ];
    let names = names.into_iter().flat_map(|name| [format!("{name}+0x1001"), format!("{name}+4097")]);
    // Page 1 of the segment says so: see testdata/README.md.
    let hex = show(&core, &["1", "--hex", "--at", "4097", "--length", "11"]).ended(0);
    assert!(hex.text().contains("|two, page 1|"), "{hex:?}");
    let value = show(&core, &["1", "--layout", "char t[11]", "--at", "4097", "--json"]).ended(0).document();
    assert_eq!(value["dumps"][0]["segments"][0]["content"]["value"]["t"], "two, page 1");
    let records = show(&core, &["1", "--layout", "u8[2]", "--records", "--at", "4097"]).ended(0);
    let found = Run::of(
        coreinspect().args(["search", "core", "1", "--at", "4097", "page"]).current_dir(core.folder()),
    );
    let bytes = Run::of(coreinspect().args(["extract", "core", "1", "-o", "-"]).current_dir(core.folder()));
    let places: Vec<_> = addresses.chain(names).collect();
    assert!(places.len() >= 20);
    for place in places {
        assert_eq!(show(&core, &[&place, "--hex", "--length", "11"]), hex, "{place}");
        let layout = ["--layout", "char t[11]", "--json"];
        assert_eq!(
            show(&core, &[&[place.as_str()], layout.as_slice()].concat()).document(),
            value,
            "{place}"
        );
        assert_eq!(show(&core, &[&place, "--layout", "u8[2]", "--records"]), records, "{place}");
        let search =
            Run::of(coreinspect().args(["search", "core", &place, "page"]).current_dir(core.folder()));
        assert_eq!(search, found, "{place}");
        // The rest takes the segment.
        let extract = ["extract", "core", &place, "-o", "-"];
        assert_eq!(Run::of(coreinspect().args(extract).current_dir(core.folder())), bytes, "{place}");
        // --at comes first.
        let at = ["--hex", "--at", "0", "--length", "12"];
        let shown = show(&core, &[&[place.as_str()], at.as_slice()].concat()).ended(0);
        assert!(shown.text().contains("|.two, page 0|"), "{place}: {shown:?}");
    }
}

#[test]
fn a_place_that_is_not_there_is_an_error() {
    let core = Core::unpack("two-attachments.kernel");
    for outside in ["1+0x5000", "1+20480", "1+18446744073709551615", "@7f4a5c9b2000+0x5000"] {
        let run = show(&core, &[outside]).ended(2);
        assert!(run.err.contains(outside) && run.err.contains("0x5000"), "{run:?}");
    }
    for wrong in
        ["1+", "+1", "1+x", "1++1", "1+-1", "1+18446744073709551616", "@+1", "#+1", "1+1+1", "@+7f4a5c9b2000"]
    {
        let run = show(&core, &[wrong]).ended(2);
        assert!(run.err.contains("names no segment") && run.err.contains(wrong), "{run:?}");
    }
    let run = show(&core, &["9+1"]).ended(2);
    assert!(run.err.contains("names no segment of this dump"), "{run:?}");
    // Two places are two windows; the same place twice is one.
    let run = show(&core, &["1+1", "1+2", "--hex"]).ended(2);
    assert!(run.err.contains("one at a time"), "{run:?}");
    show(&core, &["1+1", "1+0x1", "--hex"]).ended(0);
    show(&core, &["1+1", "1+2"]).ended(0);
}

/// Each segment begins at its own place.
#[test]
fn places_in_several_segments() {
    let core = Core::unpack("private.kernel");
    let both = show(&core, &["1+1", "2+2", "--layout", "u8 first", "--json"]).ended(0).document();
    let segments = both["dumps"][0]["segments"].as_array().unwrap();
    let offsets: Vec<_> = segments.iter().map(|segment| segment["content"]["offset"].clone()).collect();
    assert_eq!(offsets, [1, 2]);
    for (segment, alone) in segments.iter().zip(["1", "2"]) {
        let at = segment["content"]["offset"].to_string();
        let alone = show(&core, &[alone, "--layout", "u8 first", "--at", &at, "--json"]).ended(0).document();
        assert_eq!(&alone["dumps"][0]["segments"][0], segment);
    }
}
