//! A segment's part of a dump's section.

use askama::Template;

use super::pages::Pages;
use super::redact::Redaction;
use super::says::Says;
use super::{text, verdict};
use crate::inspection::InspectedSegment;
use crate::report::{self, Cause};

/// Attachments that are listed at most.
const MOST_ATTACHMENTS: usize = 16;

#[derive(Template)]
#[template(path = "segment.html")]
struct Section {
    dump: usize,
    title: String,
    attachments: Vec<Attachment>,
    attachments_left_out: usize,
    facts: Vec<(&'static str, String)>,
    missing: String,
    causes: Vec<Why>,
    pages: Option<Pages>,
    says: Option<Says>,
}

struct Attachment {
    base: String,
    mapped: String,
    bar: String,
    saved: String,
    rights: String,
    mappings: usize,
}

/// Why bytes are missing, and what keeps them next time: what can be copied, and what is said of it.
struct Why {
    code: String,
    evidence: String,
    command: String,
    rest: String,
}

/// The part of `segment` in the section of the dump with this number; `fault` is the offset of the access that killed the
/// process.
pub(super) fn section(
    segment: &InspectedSegment<'_>,
    dump: usize,
    fault: Option<u64>,
    redaction: &Redaction,
) -> String {
    let report = segment.report;
    let section = Section {
        dump,
        title: verdict::name(report),
        attachments: report.attachments.iter().take(MOST_ATTACHMENTS).map(attachment).collect(),
        attachments_left_out: report.attachments.len().saturating_sub(MOST_ATTACHMENTS),
        facts: facts(report),
        missing: format!(
            "{} of {}",
            text::grouped(report.mapped.saturating_sub(report.saved)),
            text::grouped(report.mapped)
        ),
        causes: report.causes.iter().map(why).collect(),
        pages: report.map.as_ref().and_then(|map| Pages::of(map, fault)),
        says: Says::of(segment, redaction),
    };
    section.render().unwrap_or_default()
}

fn attachment(one: &report::Attachment) -> Attachment {
    let mut rights: Vec<&str> =
        one.mappings.iter().filter_map(|mapping| mapping.permissions.as_deref()).collect();
    rights.dedup();
    Attachment {
        base: one.base.map_or_else(|| "unknown".to_owned(), |base| base.to_string()),
        mapped: text::size(one.mapped),
        bar: text::bar(one.saved, one.mapped),
        saved: text::size(one.saved),
        rights: match rights.as_slice() {
            [] => "unknown".to_owned(),
            [one] => (*one).to_owned(),
            _ => "mixed".to_owned(),
        },
        mappings: one.mappings.len(),
    }
}

fn facts(segment: &report::Segment) -> Vec<(&'static str, String)> {
    let number = |name, value: Option<u64>| value.map(|value| (name, value.to_string()));
    let facts = [
        segment.name.as_ref().map(|name| ("mapping", text::shown(name.bytes()))),
        segment.shmid.map(|shmid| ("shmid", shmid.to_string())),
        segment.size.map(|size| ("size", format!("{} bytes", text::grouped(size)))),
        number("owner", segment.owner.map(u64::from)),
        segment.perms.clone().map(|perms| ("perms", perms)),
        number("nattch", segment.nattch),
        number("creator", segment.cpid.map(u64::from)),
        number("last used by", segment.lpid.map(u64::from)),
    ];
    facts.into_iter().flatten().collect()
}

fn why(cause: &Cause) -> Why {
    let sentence = text::shown(cause.evidence.as_bytes());
    let sentence = if cause.certain { text::capital(&sentence) } else { format!("Perhaps: {sentence}") };
    // `COMMAND (what it means), or another way`.
    let (command, rest) = match cause.fix.split_once(" (") {
        Some((command, rest)) => (command.to_owned(), format!("({rest}")),
        None => (cause.fix.clone(), String::new()),
    };
    Why { code: cause.code.name().to_owned(), evidence: format!("{sentence}."), command, rest }
}
