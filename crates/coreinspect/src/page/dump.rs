//! A dump's section of the page.

use askama::Template;

use super::redact::Redaction;
use super::references::{self, References};
use super::strip::Strip;
use super::{Row, loupe, segment, text, verdict};
use crate::error::Error;
use crate::inspection::Inspection;
use crate::report::{self, Dump};

/// Segments that are shown in full at most, threads, and warnings.
const MOST_SEGMENTS: usize = 40;
const MOST_THREADS: usize = 64;
const MOST_WARNINGS: usize = 10;

#[derive(Template)]
#[template(path = "dump.html")]
struct Section {
    number: usize,
    path: String,
    verdict: String,
    lead: String,
    facts: Vec<(&'static str, String)>,
    warnings: Vec<String>,
    strip: Option<Strip>,
    loupe: Option<String>,
    segments: Vec<String>,
    segments_left_out: usize,
    references: Option<References>,
    threads: Vec<Thread>,
    threads_left_out: usize,
}

struct Thread {
    id: String,
    signal: &'static str,
    at: String,
    stack_pointer: String,
}

/// The section of the dump with this number, from 1, in at most `room` bytes; `None` if not even its head has room.
pub(super) fn section(
    inspection: &mut Inspection,
    number: usize,
    room: usize,
    redaction: &Redaction,
) -> Result<Option<String>, Error> {
    // Those that are shown, the first ones.
    inspection.map_pages(|segment| segment.number <= MOST_SEGMENTS)?;
    let space = inspection.address_space();
    let found = match inspection.report().segments.is_empty() {
        true => None,
        false => {
            Some(references::References::of(&inspection.references(&[], 200, <_>::default())?, inspection))
        }
    };
    let dump = inspection.report();
    let mut page = Section {
        number,
        path: text::shown(dump.path.path.as_bytes()),
        verdict: verdict::verdict(dump),
        lead: verdict::lead(dump, redaction),
        facts: facts(dump),
        warnings: dump
            .warnings
            .iter()
            .take(MOST_WARNINGS)
            .map(|one| text::shown(one.message.as_bytes()))
            .collect(),
        strip: Strip::of(&space),
        loupe: loupe::picture(&space, dump),
        segments: Vec::new(),
        segments_left_out: 0,
        references: found,
        threads: threads(dump),
        threads_left_out: dump.process.thread_states.len().saturating_sub(MOST_THREADS),
    };
    let mut length = page.render().unwrap_or_default().len();
    if length > room {
        return Ok(None);
    }
    let mut shown = Vec::new();
    for segment in inspection.segments().take(MOST_SEGMENTS) {
        let fault = dump.fault.as_ref().filter(|fault| fault.segment == Some(segment.number()));
        let fault = fault.filter(|fault| fault.relation == "inside").and_then(|fault| fault.offset);
        let text = segment::section(&segment, number, fault, redaction);
        if length.saturating_add(text.len()) > room {
            break;
        }
        length = length.saturating_add(text.len());
        shown.push(text);
    }
    page.segments_left_out = dump.segments.len().saturating_sub(shown.len());
    page.segments = shown;
    Ok(Some(page.render().unwrap_or_default()))
}

fn facts(dump: &Dump) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let process = process(dump);
    if !process.is_empty() {
        let user = dump.process.uid.map_or_else(String::new, |uid| format!(", uid {uid}"));
        facts.push(("process", format!("{process}{user}")));
    }
    facts.extend(verdict::signal(dump).map(|signal| ("ended by", signal.to_owned())));
    facts.extend(dump.writer.map(|writer| ("written by", writer.habits().label.to_owned())));
    facts.extend(dump.machine.clone().map(|machine| ("machine", machine)));
    if let Some(size) = dump.file_size {
        let complete = match dump.complete {
            Some(true) => ", complete",
            Some(false) => ", cut short",
            None => "",
        };
        facts.push(("dump", format!("{}{complete}", text::size(size))));
    }
    let threads = dump.process.thread_states.len();
    if threads > 0 {
        facts.push(("threads", threads.to_string()));
    }
    facts
}

/// `fault, pid 26018`.
fn process(dump: &Dump) -> String {
    let command = dump.process.command.as_ref().map(|command| text::shown(command.bytes()));
    let pid = dump.process.pid.map(|pid| format!("pid {pid}"));
    command.into_iter().chain(pid).collect::<Vec<_>>().join(", ")
}

fn threads(dump: &Dump) -> Vec<Thread> {
    let known =
        |value: Option<report::Hex>| value.map_or_else(|| "unknown".to_owned(), |value| value.to_string());
    let threads = dump.process.thread_states.iter().take(MOST_THREADS).map(|thread| {
        let id = thread.id.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
        let name =
            thread.name.as_ref().map_or_else(String::new, |name| format!(" {}", text::shown(name.bytes())));
        Thread {
            id: format!("{id}{name}"),
            signal: thread.signal.as_ref().and_then(|signal| signal.name).unwrap_or_default(),
            at: known(thread.program_counter),
            stack_pointer: known(thread.stack_pointer),
        }
    });
    threads.collect()
}

/// The row of `dump` in the table of dumps.
pub(super) fn row(dump: &Dump, link: Option<usize>) -> Row {
    let segments = dump.segments.as_slice();
    let sum = |of: fn(&report::Segment) -> u64| segments.iter().map(of).fold(0, u64::saturating_add);
    let (saved, mapped) = (sum(|segment| segment.saved), sum(|segment| segment.mapped));
    let (segment, bar, held) = match (&dump.error, segments) {
        (Some(error), _) => (String::new(), String::new(), text::shown(error.message.as_bytes())),
        (None, []) => ("none".to_owned(), String::new(), String::new()),
        (None, [one]) => (
            one.key.clone().unwrap_or_else(|| one.number.to_string()),
            text::bar(saved, mapped),
            text::of(saved, mapped),
        ),
        (None, all) => (text::count(all.len(), "segment"), text::bar(saved, mapped), text::of(saved, mapped)),
    };
    // The section has the whole path.
    let path = dump.path.path.as_str();
    let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path);
    Row {
        link,
        dump: text::shown(name.as_bytes()),
        process: process(dump),
        ended_by: verdict::signal(dump).unwrap_or_default().to_owned(),
        segment,
        bar,
        saved: held,
    }
}
