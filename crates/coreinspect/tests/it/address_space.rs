//! `map`: the address space, held against what the kernel says of a living process and what testdata knows.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::live::segment::Segment;
use crate::live::subject::Subject;
use crate::program::{Run, coreinspect};
use crate::testdata::{self, Core};

fn parsed(address: &str) -> u64 {
    u64::from_str_radix(&address[2..], 16).unwrap()
}

fn address(row: &Value, name: &str) -> u64 {
    parsed(row[name].as_str().unwrap())
}

fn map(arguments: &[&str]) -> Value {
    Run::of(coreinspect().args(["map", "--json"]).args(arguments)).ended(0).document()
}

#[test]
fn a_living_process_has_the_mappings_that_the_kernel_tells() {
    let segment = Segment::of_pages(3);
    let Some(subject) = Subject::start(&[segment.attach()]) else { return };
    let pid = subject.pid().to_string();
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    // What the kernel lends is no memory of the process, or nobody may read it.
    let maps: BTreeMap<String, (String, String, String)> = maps
        .lines()
        .filter(|line| !line.contains("[v"))
        .map(|line| {
            let mut words = line.split_whitespace();
            let range = words.next().unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let rights = words.next().unwrap()[..3].to_owned();
            let name = words.skip(3).collect::<Vec<_>>().join(" ");
            (format!("0x{start}"), (format!("0x{end}"), rights, name))
        })
        .collect();
    let document = map(&["-p", &pid]);
    let rows = document["mappings"].as_array().unwrap();
    for (start, (end, rights, name)) in &maps {
        // Neighbours without a name that are alike are one.
        let holds = |row: &&Value| match name.is_empty() {
            true => address(row, "start") <= parsed(start) && parsed(end) <= address(row, "end"),
            false => row["start"] == start.as_str() && row["end"] == end.as_str(),
        };
        let row = rows.iter().find(holds).unwrap_or_else(|| panic!("{start}-{end} {name}"));
        assert_eq!(row["permissions"], rights.as_str(), "{row}");
        let what = row["what"].as_str().unwrap();
        match name.as_str() {
            "[heap]" => assert_eq!(what, "heap"),
            name if name.starts_with("/SYSV") => {
                assert_eq!((what, row["segment"].as_u64()), ("segment", Some(1)));
                assert_eq!(row["saved"], 3 * 4096);
            }
            name if name.contains("libc.so") => assert_eq!(what, "library"),
            _ => {}
        }
    }
}

/// Rows are sorted and apart; what the segments have in them is what testdata says; one row at most holds the fault.
#[test]
fn the_rows_of_every_dump_agree_with_what_is_known_of_it() {
    for name in testdata::names() {
        let core = Core::unpack(&name);
        let run = Run::of(coreinspect().args(["map", "--json", "core"]).current_dir(core.folder()));
        let document = run.document();
        let rows = document["mappings"].as_array().unwrap();
        for pair in rows.windows(2) {
            assert!(address(&pair[0], "end") <= address(&pair[1], "start"), "{name}: {pair:?}");
        }
        for row in rows {
            assert!(
                row["saved"].as_u64().unwrap() <= address(row, "end") - address(row, "start"),
                "{name}: {row}"
            );
        }
        for segment in core.segments().iter().filter(|segment| !segment["name"].is_null()) {
            let mappings = segment["attachments"].as_array().unwrap();
            for mapping in mappings.iter().flat_map(|attachment| attachment["mappings"].as_array().unwrap()) {
                let row = rows.iter().find(|row| row["start"] == mapping["start"]);
                let row = row.unwrap_or_else(|| panic!("{name}: {mapping}"));
                for field in ["end", "offset", "permissions", "saved"] {
                    assert_eq!(row[field], mapping[field], "{name}: {row}");
                }
                assert_eq!((&row["what"], &row["key"]), (&"segment".into(), &segment["key"]), "{name}");
            }
        }
        let hit = rows.iter().filter(|row| row["fault"] == true).count();
        assert!(hit <= usize::from(!document["fault_address"].is_null()), "{name}");
    }
    let core = Core::unpack("segv.kernel");
    let run = Run::of(coreinspect().args(["map", "core"]).current_dir(core.folder())).ended(0);
    let row = run.lines().into_iter().find(|line| line.contains("<- fault")).unwrap();
    assert!(row.contains("segment") && row.contains(core.key()), "{row}");
}
