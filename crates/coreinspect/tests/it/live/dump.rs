//! A dump, and what was true of its process: what the analyzer must say of it.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::segment::{PAGE, Segment};
use super::witness::{self, LiveRow, Row};
use crate::program::{Run, coreinspect};

/// What was true of the process just before it was dumped.
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) threads: Vec<u32>,
    pub(crate) rows: Vec<LiveRow>,
}

pub(crate) struct Dump {
    pub(crate) path: PathBuf,
    pub(crate) writer: &'static str,
    /// What killed it.
    pub(crate) signal: Option<Signal>,
    pub(crate) process: Process,
    /// What each segment held, in the order in which they are asked for.
    pub(crate) bytes: Vec<Vec<u8>>,
    /// What `check` said that it would keep, just before.
    pub(crate) forecast: Option<Value>,
}

/// What one attachment keeps in the dump.
#[derive(Clone, Copy)]
pub(crate) enum Kept {
    All,
    Nothing,
    /// These pages of the segment.
    Pages(&'static [usize]),
}

impl Kept {
    fn has(self, page: usize) -> bool {
        match self {
            Kept::All => true,
            Kept::Nothing => false,
            Kept::Pages(pages) => pages.contains(&page),
        }
    }
}

/// What the dump must say of a segment: what each attachment, by address, keeps, and why the rest is missing.
pub(crate) struct Expected<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) kept: &'a [Kept],
    /// The code of the first cause, and what its fix must name.
    pub(crate) cause: Option<(&'a str, &'a str)>,
}

impl Segment {
    pub(crate) fn keeps<'a>(&'a self, kept: &'a [Kept], cause: Option<(&'a str, &'a str)>) -> Expected<'a> {
        Expected { segment: self, kept, cause }
    }
}

/// Runs of pages of a row: where it is, and whether the dump keeps it.
fn runs(row: &Row, kept: Kept) -> Vec<(Range<u64>, bool)> {
    let mut runs: Vec<(Range<u64>, bool)> = vec![];
    for at in (row.start..row.end).step_by(PAGE) {
        let page = ((row.offset + (at - row.start)) / PAGE as u64) as usize;
        let keeps = kept.has(page);
        let next = at + PAGE as u64;
        match runs.last_mut() {
            Some((run, same)) if *same == keeps => run.end = next,
            _ => runs.push((at..next, keeps)),
        }
    }
    runs
}

fn address(address: u64) -> String {
    format!("{address:#x}")
}

/// The rows of one attachment, and what it keeps.
struct Attachment<'a> {
    rows: Vec<&'a LiveRow>,
    kept: Kept,
}

impl Attachment<'_> {
    /// The contract's ATTACHMENT, without rights: gcore does not know them of what it leaves out.
    fn as_json(&self) -> Value {
        let mut saved = 0;
        let mappings: Vec<_> = self
            .rows
            .iter()
            .map(|LiveRow { row, .. }| {
                let runs = runs(row, self.kept);
                let kept: u64 = runs.iter().filter(|(_, kept)| *kept).map(|(run, _)| run.end - run.start).sum();
                saved += kept;
                let missing = runs.iter().filter(|(_, kept)| !kept).map(|(run, _)| {
                    let offset = row.offset + (run.start - row.start);
                    json!({ "start": address(run.start), "end": address(run.end), "offset": offset, "reason": "not-saved" })
                });
                let missing: Vec<_> = missing.collect();
                json!({ "start": address(row.start), "end": address(row.end), "offset": row.offset, "saved": kept,
                        "missing": missing })
            })
            .collect();
        let (first, last) = (&self.rows[0].row, &self.rows[self.rows.len() - 1].row);
        let mapped: u64 = self.rows.iter().map(|live| live.row.end - live.row.start).sum();
        json!({
            "base": address(first.start - first.offset), "start": address(first.start), "end": address(last.end),
            "mapped": mapped, "saved": saved, "state": state(mapped, saved), "mappings": mappings,
        })
    }
}

fn state(mapped: u64, saved: u64) -> &'static str {
    match saved {
        saved if saved == mapped => "whole",
        0 => "absent",
        _ => "partial",
    }
}

impl Dump {
    /// Asserts that the analyzer says what was true, and that gdb and readelf see the same.
    pub(crate) fn tells(&self, expected: &[Expected<'_>]) -> Value {
        self.witnesses_agree();
        let mut document = Run::of(coreinspect().arg("--json").arg(&self.path)).ended(0).document();
        let dump = document["dumps"][0].take();
        assert_eq!(dump["writer"], self.writer);
        assert_eq!(dump["complete"], true);
        assert_eq!(dump["error"], Value::Null);
        let process = &dump["process"];
        assert_eq!(process["pid"], self.process.pid);
        assert_eq!(process["command"], "subject");
        let mut threads: Vec<_> =
            process["threads"].as_array().unwrap().iter().map(|thread| thread.as_u64().unwrap()).collect();
        threads.sort_unstable();
        let mut alive: Vec<_> = self.process.threads.iter().map(|&thread| u64::from(thread)).collect();
        alive.sort_unstable();
        assert_eq!(threads, alive);
        let signal = self
            .signal
            .map_or(Value::Null, |signal| json!({ "number": signal as i32, "name": signal.as_str() }));
        assert_eq!(process["signal"], signal);

        assert_eq!(dump["segments"].as_array().unwrap().len(), expected.len(), "{dump}");
        for (expected, bytes) in expected.iter().zip(&self.bytes) {
            self.tells_segment(&dump, expected, bytes);
        }
        let attachments = dump["segments"].as_array().unwrap().iter();
        let attachments = attachments.flat_map(|segment| segment["attachments"].as_array().unwrap());
        let saved: u64 = attachments.map(|attachment| attachment["saved"].as_u64().unwrap()).sum();
        assert!(self.saved_by_readelf().is_none_or(|bytes| bytes == saved), "readelf counts other bytes");
        dump
    }

    /// The attachments of a segment: rows of one base belong together.
    fn attachments<'a>(&'a self, expected: &Expected<'a>) -> Vec<Attachment<'a>> {
        let rows = self.process.rows.iter().filter(|live| live.inode == expected.segment.shmid());
        let mut attachments: Vec<Attachment<'a>> = vec![];
        let mut last = None;
        for live in rows {
            let base = live.row.start - live.row.offset;
            if last != Some(base) {
                let kept = expected.kept[attachments.len()];
                attachments.push(Attachment { rows: vec![], kept });
            }
            last = Some(base);
            attachments.last_mut().unwrap().rows.push(live);
        }
        assert_eq!(attachments.len(), expected.kept.len());
        attachments
    }

    fn tells_segment(&self, dump: &Value, expected: &Expected<'_>, bytes: &[u8]) {
        let attachments = self.attachments(expected);
        let wanted: Vec<_> = attachments.iter().map(Attachment::as_json).collect();
        let found = dump["segments"].as_array().unwrap().iter();
        let mut found = found.filter(|segment| segment["attachments"][0]["base"] == wanted[0]["base"]);
        let segment = found.next().unwrap_or_else(|| panic!("nothing at {}: {dump}", wanted[0]["base"]));
        assert_eq!(segment["key"], expected.segment.key());
        assert_eq!(segment["key_t"], expected.segment.key_t());
        assert_eq!(segment["name"], format!("/SYSV{} (deleted)", &expected.segment.key()[2..]));

        let mut said = segment["attachments"].clone();
        for (attachment, truth) in said.as_array_mut().unwrap().iter_mut().zip(&attachments) {
            for (mapping, live) in attachment["mappings"].as_array_mut().unwrap().iter_mut().zip(&truth.rows)
            {
                let mapping = mapping.as_object_mut().unwrap();
                let rights = mapping.remove("permissions").unwrap();
                // No other copy filled it.
                assert_eq!(
                    (mapping.remove("filled"), mapping.remove("fills")),
                    (Some(json!(0)), Some(json!([])))
                );
                let unknown = self.writer == "gcore" && (rights.is_null() || live.rights.starts_with("---"));
                assert!(unknown || rights == live.rights[..3], "{rights} of {live:?}");
            }
        }
        assert_eq!(said, json!(wanted));

        // What each page of the segment is: not mapped, not saved, or saved by any attachment.
        let mut pages = vec![None; expected.segment.mapped() / PAGE];
        for attachment in &attachments {
            for LiveRow { row, .. } in &attachment.rows {
                for (run, kept) in runs(row, attachment.kept) {
                    let first = ((row.offset + (run.start - row.start)) / PAGE as u64) as usize;
                    let count = ((run.end - run.start) / PAGE as u64) as usize;
                    pages[first..first + count]
                        .iter_mut()
                        .for_each(|page| *page = Some(kept || *page == Some(true)));
                }
            }
        }
        let count = |wanted: &dyn Fn(&&Option<bool>) -> bool| pages.iter().filter(wanted).count() * PAGE;
        let (mapped, saved) = (count(&|page| page.is_some()), count(&|page| **page == Some(true)));
        assert_eq!((&segment["mapped"], &segment["saved"]), (&json!(mapped), &json!(saved)));
        assert_eq!(segment["state"], state(mapped as u64, saved as u64));
        let cause = &segment["causes"][0];
        match expected.cause {
            None => assert_eq!(segment["causes"], json!([])),
            Some((code, fix)) => {
                assert_eq!(cause["code"], code, "{}", segment["causes"]);
                assert!(cause["fix"].as_str().unwrap().contains(fix), "{cause}");
            }
        }
        if pages[0] == Some(true) {
            let value = &segment["content"]["value"];
            assert_eq!(value["flag"], json!({ "value": 1, "name": "ready" }));
            assert_eq!(value["message"]["text"], expected.segment.message());
        }
        self.was_foretold(segment);
        self.extracts(&segment["number"], &pages, bytes);
    }

    /// Asserts that `check` said what the dump keeps of each mapping of `segment`, and that it knew why not more.
    pub(crate) fn was_foretold(&self, segment: &Value) {
        let Some(forecast) = &self.forecast else { return };
        let foretold = forecast["segments"].as_array().unwrap().iter();
        let base = |segment: &Value| segment["attachments"][0]["base"].clone();
        let mut foretold = foretold.filter(|foretold| base(foretold) == base(segment));
        let foretold = foretold.next().unwrap_or_else(|| panic!("not in {forecast}"));
        assert_eq!(foretold["key"], segment["key"]);
        assert_eq!(foretold["kept"][self.writer], segment["saved"], "{foretold}");
        let mappings = |segment: &Value| -> Vec<Value> {
            let attachments = segment["attachments"].as_array().unwrap().iter();
            attachments.flat_map(|attachment| attachment["mappings"].as_array().unwrap().clone()).collect()
        };
        for (foretold, mapping) in mappings(foretold).iter().zip(mappings(segment)) {
            assert_eq!(foretold["start"], mapping["start"]);
            assert_eq!(foretold["kept"][self.writer], mapping["saved"], "{foretold}");
        }
        let causes = foretold["causes"].as_array().unwrap().iter();
        let known = causes.filter(|cause| cause["dumper"] == self.writer).count() > 0;
        let lost = mappings(segment).iter().any(|mapping| mapping["missing"] != json!([]));
        assert_eq!(known, lost, "{foretold}");
    }

    /// Asserts that `extract` writes the bytes that were there, and nothing where the dump has nothing.
    fn extracts(&self, number: &Value, pages: &[Option<bool>], bytes: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bytes");
        let mut extract = coreinspect();
        extract.arg("extract").arg(&self.path).arg(format!("#{number}")).arg("-o").arg(&file);
        Run::of(&mut extract).ended(0);
        let end = pages.iter().rposition(Option::is_some).unwrap() + 1;
        let found = fs::read(&file).unwrap();
        assert_eq!(found.len(), end * PAGE);
        for (page, kept) in pages[..end].iter().enumerate() {
            let range = page * PAGE..(page + 1) * PAGE;
            let wanted = if *kept == Some(true) { &bytes[range.clone()] } else { &[0; PAGE] };
            assert!(found[range] == *wanted, "page {page} of {}", self.path.display());
        }
        let incomplete = pages[..end].iter().any(|kept| *kept != Some(true));
        assert_eq!(folder.path().join("bytes.json").exists(), incomplete);
    }

    /// That gdb and readelf find the mappings of /proc/PID/maps in the dump: the dump is what it should be.
    fn witnesses_agree(&self) {
        let alive: Vec<_> = self.process.rows.iter().map(|live| live.row.clone()).collect();
        for (witness, rows) in
            [("gdb", witness::gdb(&self.path)), ("eu-readelf", witness::eu_readelf(&self.path))]
        {
            let rows = rows.unwrap_or_else(|| alive.clone());
            assert_eq!(rows, alive, "{witness} sees other mappings in the dump of {}", self.writer);
        }
    }

    /// Bytes of the mappings of segments that the PT_LOADs hold, as readelf counts them.
    fn saved_by_readelf(&self) -> Option<u64> {
        let loads = witness::readelf_loads(&self.path)?;
        let overlap =
            |load: &Range<u64>, row: &Row| load.end.min(row.end).saturating_sub(load.start.max(row.start));
        let rows = self.process.rows.iter();
        Some(rows.map(|live| loads.iter().map(|load| overlap(load, &live.row)).sum::<u64>()).sum())
    }
}
