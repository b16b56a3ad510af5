//! A type as a list of its fields: offset, size, type, name. What the bytes decide is left open.

use std::fmt::Write;
use std::sync::Arc;

use super::{
    BitPlace, Characters, Count, Expected, Extent, Field, FloatFormat, Integer, Meaning, Place, Struct,
    TimeUnit, Type, Width,
};
use crate::machine::{ByteOrder, Machine};

/// A field of a type, or of a struct inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Structs around it.
    pub depth: usize,
    /// Bytes from the start of the whole; `None` if the bytes decide, or if it stands in an array.
    pub offset: Option<u64>,
    /// Its bytes; `None` if the bytes decide.
    pub size: Option<u64>,
    /// Its type, as the inline grammar has it.
    pub kind: String,
    /// Its name.
    pub name: Option<Arc<str>>,
    /// What else is said of it.
    pub notes: Vec<String>,
}

/// Lines of an outline, and structs within structs.
const LINES: usize = 5000;
const DEPTH: usize = 24;

/// The fields of `kind` on `machine`, the outermost first; those of a struct follow it.
pub fn outline(kind: &Type, machine: Machine) -> Vec<Line> {
    let mut outline = Outline { machine, lines: Vec::new() };
    outline.inside(kind, Some(0), 0);
    outline.lines
}

struct Outline {
    machine: Machine,
    lines: Vec<Line>,
}

impl Outline {
    /// The fields of `kind`, which begins at `start`.
    fn inside(&mut self, kind: &Type, start: Option<u64>, depth: usize) {
        if depth > DEPTH || self.lines.len() >= LINES {
            return;
        }
        match kind {
            Type::Struct(fields) => self.fields(fields, start, depth),
            Type::Array(array) if depth == 0 || matches!(array.element, Type::Struct(_) | Type::Array(_)) => {
                self.inside(&array.element, start.filter(|_| depth == 0), depth);
            }
            Type::Switch(switch) => {
                let cases = switch.cases.iter().map(|(first, last, kind)| match first == last {
                    true => (format!("case {first}"), kind),
                    false => (format!("case {first}..{last}"), kind),
                });
                let otherwise = switch.otherwise.iter().map(|kind| ("default".to_owned(), kind));
                for (label, kind) in cases.chain(otherwise) {
                    self.lines.push(Line {
                        depth,
                        offset: start,
                        size: kind.size(self.machine),
                        kind: spelled(kind),
                        name: None,
                        notes: vec![label],
                    });
                    self.inside(kind, start, depth.saturating_add(1));
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, fields: &Struct, start: Option<u64>, depth: usize) {
        let mut end = Some(0_u64);
        let mut spare = 0;
        for field in &fields.fields {
            if self.lines.len() >= LINES {
                return;
            }
            let mut size = field.kind.size(self.machine);
            let mut kind = spelled(&field.kind);
            let offset = match (&field.place, &field.kind, end) {
                (Place::NextBits, Type::Integer(integer), Some(before)) => {
                    let place = BitPlace::of(integer, fields, before, spare, self.machine);
                    end = place.as_ref().map(|place| place.end);
                    spare = place.as_ref().map_or(0, |place| place.spare);
                    size = place.as_ref().map(|place| place.integer.width.on(self.machine));
                    if let (Some(bits), Some(place)) =
                        (place.as_ref().and_then(|place| place.integer.bits), &place)
                    {
                        let first = bits.shift;
                        let last = u32::from(first).saturating_add(u32::from(bits.count)).saturating_sub(1);
                        let _ = write!(kind, " (bits {first} to {last})");
                        Some(place.start)
                    } else {
                        None
                    }
                }
                _ => {
                    let place = field.start(fields, end.unwrap_or(0), self.machine);
                    let known = end.is_some() || matches!(field.place, Place::At(_));
                    let place = place.filter(|_| known && field.when.is_none());
                    let bytes = size.or_else(|| field.padding_size(place?, self.machine));
                    end = place.and_then(|place| place.checked_add(bytes?));
                    spare = 0;
                    place
                }
            };
            let offset = start.and_then(|start| start.checked_add(offset?));
            let inner = matches!(field.kind, Type::Struct(_) | Type::Switch(_))
                || matches!(&field.kind, Type::Array(_));
            if !field.padding {
                let (name, notes) = (field.name.clone(), notes(field));
                self.lines.push(Line { depth, offset, size, kind, name, notes });
                if inner {
                    self.inside(&field.kind, offset, depth.saturating_add(1));
                }
            }
        }
        for check in &fields.checks {
            let notes = vec![format!("check {}", check.says)];
            let name = None;
            self.lines.push(Line {
                depth,
                offset: None,
                size: None,
                kind: check.holds.to_string(),
                name,
                notes,
            });
        }
    }
}

fn notes(field: &Field) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(field.when.as_ref().map(|when| format!("if {when}")));
    notes.extend(field.expected.as_deref().map(|expected| match expected {
        Expected::Number(number) if *number < 0 => format!("= {number}"),
        Expected::Number(number) => format!("= {number:#x}"),
        Expected::Bytes(bytes) => format!("= \"{}\"", bytes.escape_ascii()),
    }));
    if let Place::InSegment(offset) = &field.place {
        notes.push(format!("@segment({offset})"));
    }
    let mut kind = &field.kind;
    while let Type::Array(array) = kind {
        kind = &array.element;
    }
    if let Type::Integer(Integer { meaning: Meaning::Names(names) | Meaning::Flags(names), .. }) = kind {
        let mut text = String::new();
        for (value, name) in names.iter().take(64) {
            let _ = write!(text, "{}{value}={name}", if text.is_empty() { "" } else { " " });
        }
        notes.push(text);
    }
    notes
}

/// A type as the inline grammar has it, without a field's name: `char[16]`, `be u32`, `struct item[count]`.
pub fn spelled(kind: &Type) -> String {
    match kind {
        Type::Integer(integer) => spelled_integer(integer),
        Type::Float(float) => {
            let name = match float.format {
                FloatFormat::Half => "f16",
                FloatFormat::Single => "f32",
                FloatFormat::Double => "f64",
                FloatFormat::Extended(12) => "f80_12",
                FloatFormat::Extended(_) => "f80",
                FloatFormat::Quadruple => "f128",
                FloatFormat::DoubleDouble => "long double",
            };
            format!("{}{name}", order(float.order))
        }
        Type::Pointer(pointer) => match (&pointer.to, pointer.width) {
            (Some(to), _) if to.ends_with('*') => format!("{}{to}*", order(pointer.order)),
            (Some(to), _) => format!("{}{to} *", order(pointer.order)),
            (None, Width::Bytes(bytes)) => {
                format!("{}ptr{}", order(pointer.order), u32::from(bytes).saturating_mul(8))
            }
            (None, Width::Long) => format!("{}void *", order(pointer.order)),
        },
        Type::Text(text) => match (&text.extent, text.characters, text.measured) {
            (Extent::Nul, Characters::Bytes, true) => "text".to_owned(),
            (Extent::Nul, Characters::Bytes, false) => "cstr".to_owned(),
            (Extent::Nul, Characters::Utf16, _) => "utf16".to_owned(),
            (Extent::Nul, Characters::Utf32, _) => "utf32".to_owned(),
            (Extent::Room(room), Characters::Bytes, true) => format!("text[{room}]"),
            (Extent::Room(room), Characters::Bytes, false) => format!("char[{room}]"),
            (Extent::Room(room), Characters::Utf16, _) => format!("utf16[{room}]"),
            (Extent::Room(room), Characters::Utf32, _) => format!("utf32[{room}]"),
        },
        Type::Bytes(count) => format!("bytes{}", spelled_count(count)),
        Type::Array(array) => {
            // The outermost count stands first: `u8[2][3]`.
            let (mut counts, mut element) = (spelled_count(&array.count), &array.element);
            while let Type::Array(inner) = element {
                counts.push_str(&spelled_count(&inner.count));
                element = &inner.element;
            }
            let element = spelled(element);
            match element.split_once('[') {
                Some((name, inner)) => format!("{name}{counts}[{inner}"),
                None => format!("{element}{counts}"),
            }
        }
        Type::Struct(fields) => match (&fields.name, fields.union) {
            (Some(name), _) => name.to_string(),
            (None, true) => "union".to_owned(),
            (None, false) => "struct".to_owned(),
        },
        Type::Switch(switch) => format!("switch ({})", switch.on),
        Type::Encoded(encoded) if encoded.encoding.lock().is_some() => encoded.encoding.name().to_owned(),
        Type::Encoded(encoded) => {
            format!("encoded({}){}", encoded.encoding.name(), spelled_count(&encoded.length))
        }
    }
}

fn order(order: Option<ByteOrder>) -> &'static str {
    match order {
        None => "",
        Some(ByteOrder::Big) => "be ",
        Some(ByteOrder::Little) => "le ",
    }
}

fn spelled_integer(integer: &Integer) -> String {
    let sign = if integer.signed { 'i' } else { 'u' };
    let number = match integer.width {
        Width::Bytes(bytes) => format!("{sign}{}", u32::from(bytes).saturating_mul(8)),
        Width::Long if integer.signed => "long".to_owned(),
        Width::Long => "unsigned long".to_owned(),
    };
    let order = order(integer.order);
    let text = match &integer.meaning {
        Meaning::Number => format!("{order}{number}"),
        Meaning::Hexadecimal => format!("{order}hex {number}"),
        Meaning::Character if integer.width == Width::Bytes(1) => "char".to_owned(),
        Meaning::Character => format!("{order}{number}"),
        Meaning::Boolean if integer.width == Width::Bytes(1) => "bool".to_owned(),
        Meaning::Boolean => format!("{order}{number}"),
        Meaning::Time(unit) => {
            let unit = match unit {
                TimeUnit::Seconds => "time_s",
                TimeUnit::Milliseconds => "time_ms",
                TimeUnit::Microseconds => "time_us",
                TimeUnit::Nanoseconds => "time_ns",
            };
            format!("{order}{unit} {number}")
        }
        Meaning::Names(_) => format!("{order}{number}"),
        Meaning::Flags(_) => format!("{order}flags {number}"),
    };
    match integer.bits {
        Some(bits) => format!("{text} : {}", bits.count),
        None => text,
    }
}

fn spelled_count(count: &Count) -> String {
    match count {
        Count::Exactly(count) => format!("[{count}]"),
        Count::ToEnd => "[]".to_owned(),
        Count::Until(end) => format!("[until {end}]"),
    }
}
