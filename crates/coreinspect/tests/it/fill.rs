//! `coreinspect fill`: what a core lacks, from elsewhere. The core's own bytes and what is said of them never change; debuggers read
//! what was filled.

mod debuggers;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Run, coreinspect};
use crate::random::Random;
use crate::seeds;
use crate::testdata::{self, Core};

/// The report of the core at `path`.
fn report(path: &Path) -> Value {
    let run = Run::of(coreinspect().arg(path).args(["--json", "--no-content"]));
    run.document()["dumps"][0].take()
}

/// A report without what tells that, and where, bytes were filled.
fn as_before(mut report: Value) -> Value {
    let members = report.as_object_mut().unwrap();
    members.retain(|name, _| !["path", "file_size", "filled_with"].contains(&name.as_str()));
    members["warnings"].as_array_mut().unwrap().retain(|warning| warning["code"] != "filled");
    for segment in members["segments"].as_array_mut().unwrap() {
        segment
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !["filled", "filled_from"].contains(&name.as_str()));
        for attachment in segment["attachments"].as_array_mut().unwrap() {
            for mapping in attachment["mappings"].as_array_mut().unwrap() {
                mapping
                    .as_object_mut()
                    .unwrap()
                    .retain(|name, _| !["filled", "fills"].contains(&name.as_str()));
            }
        }
    }
    report
}

/// The bytes of segment `number`, and which of them are missing.
fn extracted(core: &Path, number: &Value) -> (Vec<u8>, Vec<(usize, usize)>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bytes");
    Run::of(coreinspect().arg("extract").arg(core).arg(number.to_string()).arg("-o").arg(&file)).ended(0);
    let holes = fs::read(folder.path().join("bytes.json"))
        .map_or(Value::Null, |text| serde_json::from_slice::<Value>(&text).unwrap()["missing"].take());
    // What munmap(2) took has no bytes.
    let hole = |hole: &Value| {
        let at = |name: &str| hole[name].as_u64().unwrap() as usize;
        (at("start"), at("end"))
    };
    (
        fs::read(file).unwrap(),
        holes.as_array().map_or(Vec::new(), |holes| {
            let mapped = holes.iter().filter(|hole| hole["reason"] != "not-mapped");
            mapped.map(hole).collect()
        }),
    )
}

fn fill(core: &Path, from: &Path, new: &Path, arguments: &[&str]) -> Run {
    Run::of(coreinspect().arg("fill").arg(core).arg("--from").arg(from).arg("-o").arg(new).args(arguments))
}

/// Fills each segment of the core that lacks bytes from a file of random ones; answers how many.
fn fills_and_stays_as_it_was(name: &str, core: &Path) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let [raw, new] = ["raw", "new"].map(|name| folder.path().join(name));
    let before = report(core);
    let mut random = Random::new(17);
    let mut done = 0;
    for segment in before["segments"].as_array().unwrap() {
        // A dump without NT_FILE has only candidates, which nobody fills.
        if segment["saved"] == segment["mapped"] || segment["found_by"] == "content" {
            continue;
        }
        let number = &segment["number"];
        let (own, holes) = extracted(core, number);
        let other: Vec<u8> = own.iter().map(|_| random.next() as u8).collect();
        fs::write(&raw, &other).unwrap();
        let run = fill(core, &raw, &new, &["--segment", &number.to_string(), "--force", "--json"]).ended(0);
        let told = run.document();
        assert!(told["filled"].as_u64() > Some(0), "{name}: {told:#}");
        let after = report(&new);
        assert_eq!(as_before(after.clone()), as_before(before.clone()), "{name}");
        assert_eq!(after["file_size"], fs::metadata(&new).unwrap().len(), "{name}");
        let filled = &after["segments"][number.as_u64().unwrap() as usize - 1];
        let there = filled["saved"].as_u64().unwrap() + filled["filled"].as_u64().unwrap();
        assert_eq!(there, filled["mapped"].as_u64().unwrap(), "{name}: {filled:#}");
        let mut expected = own;
        for (start, end) in holes {
            expected[start..end].copy_from_slice(&other[start..end]);
        }
        let (bytes, missing) = extracted(&new, number);
        assert!(bytes == expected && missing.is_empty(), "{name}: {missing:?}");
        // What the core holds is in the new one as it was, behind another ELF header.
        let (old, new) = (fs::read(core).unwrap(), fs::read(&new).unwrap());
        assert!(new[64..old.len()] == old[64..] && new[..16] == old[..16], "{name}");
        done += 1;
    }
    done
}

#[test]
fn a_core_of_each_writer_and_machine_is_read_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let core = folder.path().join("core");
    let mut done = 0;
    for seed in seeds::built() {
        fs::write(&core, &seed.core.bytes).unwrap();
        done += fills_and_stays_as_it_was(&seed.name, &core);
    }
    assert!(done > 20, "{done}");
}

#[test]
fn real_cores_are_read_as_they_were() {
    let mut done = 0;
    for name in testdata::names() {
        done += fills_and_stays_as_it_was(&name, &Core::unpack(&name).path());
    }
    assert!(done > 8, "{done}");
}

/// A reader's core, and that of the writer.
fn readonly() -> (TempDir, PathBuf, PathBuf, Core) {
    let core = Core::unpack("readonly.kernel");
    let folder = tempfile::tempdir().unwrap();
    let [raw, new] = ["raw", "new"].map(|name| folder.path().join(name));
    let (own, _) = extracted(&core.path(), &json!(1));
    fs::write(&raw, own.iter().map(|byte| byte ^ 0xff).collect::<Vec<_>>()).unwrap();
    (folder, raw, new, core)
}

#[test]
fn a_conflict_is_told_and_the_cores_own_bytes_win() {
    let (_folder, raw, new, core) = readonly();
    let told = fill(&core.path(), &raw, &new, &["--segment", "1", "--json"]).ended(0).document();
    let conflict = &told["segments"][0]["conflicts"][0];
    assert_eq!(
        (&conflict["compared"], &conflict["different"], &conflict["first"]),
        (&json!(4096), &json!(4096), &json!(0))
    );
    let after = report(&new);
    let [saved, filled] = ["saved", "filled"].map(|name| after["segments"][0][name].clone());
    assert_eq!(saved, 4096);
    let with = &after["filled_with"][0];
    assert_eq!(
        (&with["kind"], &with["name"], &with["time_of"]),
        (&json!("file"), &json!("raw"), &json!("file"))
    );
    let run = Run::of(coreinspect().arg(&new));
    assert!(run.text().contains("partial"), "{}", run.text());
    assert!(
        run.text().contains(&format!("segment 1: {filled} bytes are not of this dump")),
        "{}",
        run.text()
    );
    assert!(run.err.contains("coreinspect fill took them from raw"), "{}", run.err);
    // Once more: nothing is missing now, although nothing more is saved.
    let again = fill(&new, &raw, &new.with_extension("2"), &["--segment", "1"]);
    assert_eq!(again.status, 1, "{}", again.err);
    assert!(again.err.contains("no byte of its segments is missing"), "{}", again.err);
}

#[test]
fn a_filled_core_is_filled_again_from_another() {
    let (folder, raw, new, core) = readonly();
    // The file has the second page alone.
    let bytes = fs::read(&raw).unwrap();
    let end = bytes.len();
    assert!(end > 0x3000);
    let first = folder.path().join("first");
    fs::write(&first, &bytes[..0x2000]).unwrap();
    fill(&core.path(), &first, &new, &["--segment", "1"]).ended(0);
    let last = folder.path().join("last");
    fill(&new, &raw, &last, &["--segment", "1"]).ended(0);
    let after = report(&last);
    assert_eq!(as_before(after.clone()), as_before(report(&core.path())));
    let fills = after["segments"][0]["attachments"][0]["mappings"][0]["fills"].as_array().unwrap();
    let told: Vec<_> =
        fills.iter().map(|fill| (fill["offset"].as_u64().unwrap(), fill["from"].as_u64().unwrap())).collect();
    assert_eq!(told, [(0x1000, 0), (0x2000, 1)]);
    assert_eq!(after["filled_with"][0]["name"], "first");
    let names: Vec<_> = after["filled_with"].as_array().unwrap().iter().map(|with| &with["name"]).collect();
    assert_eq!(names, ["first", "raw"]);
}

#[test]
fn a_packed_core_is_filled_too() {
    let (_folder, raw, new, core) = readonly();
    let packed = core.folder().join("core.zst");
    fs::write(&packed, testdata::packed("readonly.kernel")).unwrap();
    fill(&packed, &raw, &new, &["--segment", "1"]).ended(0);
    assert_eq!(as_before(report(&new)), as_before(report(&core.path())));
}

#[test]
fn nothing_to_fill_and_wrong_calls_write_nothing() {
    let (folder, raw, new, core) = readonly();
    let own = fill(&core.path(), &core.path(), &new, &[]);
    assert_eq!((own.status, new.exists()), (1, false), "{}", own.err);
    assert!(own.err.contains("do not have the missing bytes either"), "{}", own.err);
    let unnamed = fill(&core.path(), &raw, &new, &[]);
    assert_eq!((unnamed.status, new.exists()), (2, false));
    assert!(unnamed.err.contains("--segment says of which"), "{}", unnamed.err);
    let over = fill(&core.path(), &raw, &core.path(), &["--segment", "1", "--force"]);
    assert_eq!(over.status, 2);
    assert!(over.err.contains("would overwrite the dump itself"), "{}", over.err);
    let whole = Core::unpack("writer.kernel");
    let honest = Run::of(
        coreinspect().arg("fill").arg(whole.path()).args(["--honest", "-o"]).arg(folder.path().join("h")),
    );
    assert_eq!(honest.status, 0, "{}", honest.err);
}

#[test]
fn an_honest_core_is_read_as_it_was() {
    for name in ["readonly.kernel", "truncated-early.kernel", "readonly.gcore", "i386.kernel"] {
        let core = Core::unpack(name);
        let new = core.folder().join("honest");
        Run::of(coreinspect().arg("fill").arg(core.path()).args(["--honest", "-o"]).arg(&new)).ended(0);
        assert_eq!(as_before(report(&new)), as_before(report(&core.path())), "{name}");
    }
}

#[test]
fn a_damaged_note_is_told_and_harms_nothing() {
    let (folder, raw, new, core) = readonly();
    fill(&core.path(), &raw, &new, &["--segment", "1"]).ended(0);
    let good = fs::read(&new).unwrap();
    let damaged = folder.path().join("damaged");
    let replace = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = good.windows(from.len()).rposition(|window| window == from.as_bytes()).unwrap();
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        fs::write(&damaged, bytes).unwrap();
        let run = Run::of(coreinspect().arg(&damaged).arg("--json"));
        assert_eq!(run.status, 0, "{from} {to}: {}", run.err);
        let document = run.document()["dumps"][0].take();
        assert_eq!(document["error"], Value::Null);
        let warned =
            document["warnings"].as_array().unwrap().iter().any(|warning| warning["code"] == "filled");
        assert!(warned, "{from} {to}: {document:#}");
        document["segments"][0]["filled"].as_u64().unwrap()
    };
    let at = format!("\"at\":{}", core.bytes().len().next_multiple_of(4096));
    let far = format!("\"at\":{}", "9".repeat(at.len() - 5));
    for (from, to) in [
        ("\"format\":\"coreinspect-fill/1\"", "\"format\":\"coreinspect-fill/7\""),
        ("\"header\":\"7f45", "\"header\":\"0045"),
        ("\"header\":\"7f45", "\"header\":\"xx45"),
        ("\"source\":0", "\"source\":7"),
        (at.as_str(), far.as_str()),
        ("\"fills\":[", "\"fills\":{"),
        ("\"core\":{\"size\":", "\"core\":{\"size\":".to_uppercase().as_str()),
    ] {
        assert_eq!(replace(from, to), 0, "{from} {to}");
    }
}

#[test]
fn what_is_told_is_in_the_schema() {
    let (folder, raw, new, core) = readonly();
    let told = fill(&core.path(), &raw, &new, &["--segment", "1", "--json"]).ended(0).document();
    crate::schema::is_in_the_schema("filling", &told);
    crate::schema::is_in_the_schema("dump", &report(&new));
    let bytes = fs::read(&new).unwrap();
    let start = b"{\"format\":\"coreinspect-fill/1\"";
    let at = bytes.windows(start.len()).position(|window| window == start).unwrap();
    let note = serde_json::Deserializer::from_slice(&bytes[at..]).into_iter().next().unwrap().unwrap();
    crate::schema::is_what_the_schema_says("fill_note", &note);
    drop(folder);
}
