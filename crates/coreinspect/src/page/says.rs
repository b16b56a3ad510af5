//! What a segment says: fields beside their bytes. The style joins a field and its bytes under the pointer; no script does.

use super::redact::Redaction;
use super::text;
use crate::inspection::InspectedSegment;
use crate::layout::Confidence;
use crate::position::SegmentOffset;
use crate::render::Style;
use crate::render::look;
use crate::render::value::scalar;
use crate::report::{Content, Look};
use crate::types::contents::bytes_with_gaps;
use crate::types::value::{Kind, Value};

/// Fields that are shown at most, classes that the style joins, and colours of fields.
const MOST_FIELDS: usize = 48;
const JOINED: usize = 24;
const COLOURS: usize = 6;
/// Bytes beside them: rows of eight.
const IN_A_ROW: usize = 8;
const ROW: u64 = IN_A_ROW as u64;
const MOST_ROWS: u64 = 24;

/// What stands in the section of a segment.
pub(super) struct Says {
    pub(super) layout: String,
    pub(super) certain: bool,
    pub(super) about: String,
    pub(super) fields: Vec<Field>,
    pub(super) fields_left_out: usize,
    pub(super) bytes: Vec<Bytes>,
    pub(super) findings: Vec<String>,
}

/// A field.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) at: String,
    pub(super) value: String,
    pub(super) missing: bool,
    pub(super) colour: String,
    pub(super) join: String,
    start: u64,
    end: u64,
}

/// A row of bytes.
pub(super) struct Bytes {
    pub(super) offset: String,
    pub(super) cells: Vec<Cell>,
}

/// A byte.
pub(super) struct Cell {
    pub(super) hex: String,
    pub(super) character: char,
    pub(super) class: String,
}

impl Says {
    /// What `segment` says; `None` where it was not decoded.
    pub(super) fn of(segment: &InspectedSegment<'_>, redaction: &Redaction) -> Option<Self> {
        let content = segment.report.content.as_ref()?;
        let mut fields = Vec::new();
        let value = content.value.as_ref().map(|value| &value.0);
        let left_out = value.map_or(0, |value| flatten(value, redaction, &mut fields));
        let start = fields.iter().map(|field| field.start).min().unwrap_or(content.offset);
        Some(Self {
            layout: layout(content),
            certain: is_certain(content),
            about: about(content, redaction),
            bytes: bytes(segment, start, &fields, redaction),
            fields,
            fields_left_out: left_out,
            findings: content
                .findings
                .iter()
                .map(|one| text::shown(one.message.as_bytes()))
                .take(20)
                .collect(),
        })
    }
}

fn is_certain(content: &Content) -> bool {
    content.confidence == Confidence::Certain
}

fn layout(content: &Content) -> String {
    match &content.layout {
        Some(layout) => format!("{}, {}", text::shown(layout.as_bytes()), content.confidence.name()),
        None => String::new(),
    }
}

fn about(content: &Content, redaction: &Redaction) -> String {
    let reasons = content.reasons.join("; ");
    match &content.look {
        // A look quotes what it saw.
        Some(_) if redaction.on() => "No layout fits these bytes.".to_owned(),
        Some(seen) => format!("No layout fits. {}", guess(seen)),
        None if reasons.is_empty() => String::new(),
        None => format!("{}.", redaction.value(text::capital(&text::shown(reasons.as_bytes())))),
    }
}

fn guess(look: &Look) -> String {
    format!("They look like: {}", look::summary(look))
}

/// Adds the fields of `value`, parts in the order of the type; answers how many had no room.
fn flatten(value: &Value, redaction: &Redaction, fields: &mut Vec<Field>) -> usize {
    let mut left_out = 0_usize;
    let mut rest: Vec<(String, &Value)> = vec![(String::new(), value)];
    while let Some((path, value)) = rest.pop() {
        match &value.kind {
            Kind::Struct(members) => {
                let joined = |name: &str| match path.is_empty() {
                    true => text::shown(name.as_bytes()),
                    false => format!("{path}.{}", text::shown(name.as_bytes())),
                };
                rest.extend(members.iter().rev().map(|member| (joined(&member.name), &member.value)));
            }
            Kind::Array(elements, _) if holds_structs(elements) => {
                let elements = elements.iter().enumerate().rev();
                rest.extend(elements.map(|(at, element)| (format!("{path}[{at}]"), element)));
            }
            kind => {
                if let Kind::Text(text) = kind {
                    redaction.remember(&text.bytes);
                }
                match fields.len() < MOST_FIELDS {
                    true => fields.push(field(path, value, fields.len(), redaction)),
                    false => left_out = left_out.saturating_add(1),
                }
            }
        }
        // What a hostile layout nests without end is bounded by the budget of its decoder; this only keeps the page short.
        if left_out > 10_000 {
            break;
        }
    }
    left_out
}

fn holds_structs(elements: &[Value]) -> bool {
    elements.first().is_some_and(|first| matches!(first.kind, Kind::Struct(_)))
}

fn field(name: String, value: &Value, number: usize, redaction: &Redaction) -> Field {
    let text = match &value.kind {
        Kind::Missing => "not in the dump".to_owned(),
        _ => redaction.value(text::shown(scalar(value, Style::default()).as_bytes())),
    };
    let join = if number < JOINED { format!("n{number}") } else { String::new() };
    Field {
        name: if name.is_empty() { "value".to_owned() } else { name },
        at: format!("+{:#x}", value.offsets.start().get()),
        value: text,
        missing: value.kind == Kind::Missing,
        colour: format!("f{}", number.checked_rem(COLOURS).unwrap_or(0)),
        join,
        start: value.offsets.start().get(),
        end: value.offsets.end().get(),
    }
}

/// The bytes from `start` on, each in the colour of its field.
fn bytes(segment: &InspectedSegment<'_>, start: u64, fields: &[Field], redaction: &Redaction) -> Vec<Bytes> {
    let start = start & !ROW.saturating_sub(1);
    let last = fields.iter().map(|field| field.end).max().unwrap_or(start);
    let shown = last.saturating_sub(start).div_ceil(ROW).clamp(4, MOST_ROWS).saturating_mul(ROW);
    let end = start.saturating_add(shown).min(segment.memory.end().get());
    let length = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
    let bytes = bytes_with_gaps(&segment.contents(), SegmentOffset::new(start), length);
    let starts = (start..end).step_by(IN_A_ROW);
    let rows = starts.zip(bytes.chunks(IN_A_ROW)).map(|(row, bytes)| {
        let cells = (row..).zip(bytes).map(|(offset, byte)| {
            let field = fields.iter().find(|field| field.start <= offset && offset < field.end);
            cell(*byte, field, redaction)
        });
        Bytes { offset: format!("{row:04x}"), cells: cells.collect() }
    });
    rows.collect()
}

fn cell(byte: Option<u8>, field: Option<&Field>, redaction: &Redaction) -> Cell {
    let Some(byte) = byte else {
        let join = field.map_or("", |field| field.join.as_str());
        return Cell {
            hex: "··".to_owned(),
            character: '·',
            class: format!("mis {join}").trim_end().to_owned(),
        };
    };
    let (hex, character) = redaction.byte(byte);
    let class = match field {
        Some(field) => format!("{} {}", field.colour, field.join).trim_end().to_owned(),
        None if byte == 0 => "z".to_owned(),
        None => String::new(),
    };
    Cell { hex, character, class }
}
