//! What bytes look like of which no layout is sure: in full for `show`, in a line for a listing.

use std::io;

use super::canvas::{Canvas, Draw, FACTS};
use super::printable::{Printable, Quoted};
use super::tag::tagged;
use crate::report::look::{
    CounterGuess, Found, Guesses, Look, Place, PointerGuess, Run, Str, TimestampGuess,
};

/// Everything that a look has found.
impl Draw for Look {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        draw(self, canvas)
    }
}

fn draw(look: &Look, canvas: &mut dyn Canvas) -> io::Result<()> {
    let mut fact = |name: &str, value: &str| canvas.fact(FACTS, name, value);
    fact("looks like", &whole(look))?;
    list(&look.strings, string, |line| fact("string", line))?;
    list(&look.runs, run, |line| fact("run", line))?;
    let Guesses { word_size, records, counters, timestamps, pointers, .. } = &look.guesses;
    if let Some(word) = word_size {
        fact("guess", &format!("words of {} bytes: {}", word.size, word.why))?;
    }
    if let Some(records) = records {
        let told = format!(
            "records of {} bytes, {} of them from about {:#x} to {:#x}: {}",
            records.stride, records.count, records.start, records.end, records.why
        );
        fact("guess", &told)?;
    }
    list(counters, counter, |line| fact("guess", line))?;
    list(timestamps, timestamp, |line| fact("guess", line))?;
    list(pointers, pointer, |line| fact("guess", line))
}

/// The most that can be said of a segment in a line.
pub fn summary(look: &Look) -> String {
    let guesses = &look.guesses;
    let texture = match guesses.texture {
        "nothing" => return "not in the dump".to_owned(),
        "zero" if look.examined < there(look) => {
            return format!(
                "zero in the part that was examined ({} of {} bytes)",
                look.examined,
                there(look)
            );
        }
        "zero" => return "all zero".to_owned(),
        "one-byte" => return one_byte(look),
        "sparse" => Some("mostly zero"),
        "random" => Some("looks random (guess)"),
        "text" => Some("text"),
        _ => None,
    };
    let mut parts: Vec<String> = texture.map(str::to_owned).into_iter().collect();
    if let Some(first) = look.strings.shown.first() {
        let count = (look.strings.shown.len() as u64).saturating_add(look.strings.more);
        let text = Quoted(start(&first.text, 40).as_bytes()).to_string();
        parts.push(match count {
            1 => format!("string {text} at {:#x}", first.offset),
            _ => format!("{count} strings, first {text} at {:#x}", first.offset),
        });
    }
    let mut guessed = Vec::new();
    match (&guesses.records, &guesses.word_size) {
        (Some(records), _) => guessed.push(format!("records of {} bytes", records.stride)),
        (None, Some(word)) => guessed.push(format!("words of {} bytes", word.size)),
        (None, None) => {}
    }
    if !guesses.counters.shown.is_empty() {
        guessed.push("counters".to_owned());
    }
    if !guesses.timestamps.shown.is_empty() {
        guessed.push("times".to_owned());
    }
    if !guesses.pointers.shown.is_empty() {
        guessed.push("pointers".to_owned());
    }
    if !guessed.is_empty() {
        parts.push(format!("{} (guess)", guessed.join(", ")));
    }
    if parts.is_empty() { "no pattern recognised".to_owned() } else { parts.join("; ") }
}

/// What the bytes as a whole are like.
fn whole(look: &Look) -> String {
    let what = match look.guesses.texture {
        "nothing" => return "nothing: no byte of it is in the dump".to_owned(),
        "zero" => "only zero bytes".to_owned(),
        "one-byte" => one_byte(look),
        "text" => "text".to_owned(),
        "sparse" => "mostly zero".to_owned(),
        "random" => "random bytes: encrypted or compressed data looks like this (a guess)".to_owned(),
        _ => "bytes of several kinds".to_owned(),
    };
    let which = if look.filled > 0 { "saved and filled" } else { "saved" };
    let part = if look.examined < there(look) {
        format!("{} of {} {which} bytes examined: its start, and blocks after it", look.examined, there(look))
    } else {
        format!("all {} {which} bytes examined", look.examined)
    };
    let entropy =
        look.entropy.map_or_else(String::new, |entropy| format!("; {entropy:.2} bits of entropy a byte"));
    format!("{what} ({part}; {} of them zero{entropy})", look.zero)
}

fn one_byte(look: &Look) -> String {
    let byte = look.runs.shown.first().map_or(0, |run| run.byte);
    let all = if look.examined < there(look) { "in the examined part,  " } else { "" };
    format!("{all}only the byte {byte:#04x}")
}

/// A line for each that is told, and one for the rest.
fn list<T>(
    found: &Found<T>,
    told: impl Fn(&T) -> String,
    mut line: impl FnMut(&str) -> io::Result<()>,
) -> io::Result<()> {
    for one in &found.shown {
        line(&told(one))?;
    }
    if found.more > 0 { line(&format!("and {} more", found.more)) } else { Ok(()) }
}

fn start(text: &str, most: usize) -> &str {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= most);
    text.get(..end.unwrap_or(text.len())).unwrap_or(text)
}

fn string(string: &Str) -> String {
    let bytes = string.text.as_bytes();
    let units = if string.encoding == "utf-16" { string.length / 2 } else { string.length };
    let more = units.saturating_sub(bytes.len() as u64);
    let more = if more > 0 { format!(", {more} of them not shown") } else { String::new() };
    let encoding = if string.encoding == "utf-16" { ", UTF-16" } else { "" };
    let end = if string.terminated { "" } else { ", not ended by a NUL" };
    format!("{:#x}  {} ({} bytes{more}{encoding}{end})", string.offset, Quoted(bytes), string.length)
}

fn run(run: &Run) -> String {
    let length = run.end.saturating_sub(run.start);
    match run.byte {
        0 => format!("{:#x}-{:#x}  {length} zero bytes", run.start, run.end),
        byte => format!("{:#x}-{:#x}  {length} bytes {byte:#04x}", run.start, run.end),
    }
}

/// Where something stands.
fn at(place: &Place) -> String {
    match place.distance {
        Some(distance) => format!("{:#x}, {} of them {distance} bytes apart", place.offset, place.count),
        None => format!("{:#x}", place.offset),
    }
}

fn counter(counter: &CounterGuess) -> String {
    format!(
        "counter at {:#x}, from {} to {}: {}",
        counter.place.offset, counter.first, counter.last, counter.why
    )
}

fn timestamp(time: &TimestampGuess) -> String {
    let unknown = "an unknown time";
    let first = time.first.as_deref().unwrap_or(unknown);
    let times = match time.last.as_deref().filter(|last| *last != first) {
        Some(last) => format!("{first} to {last}"),
        None => first.to_owned(),
    };
    format!("time at {}: {times}, {}", at(&time.place), time.why)
}

fn pointer(pointer: &PointerGuess) -> String {
    let offset = pointer.to.offset.map_or_else(String::new, |offset| format!("+{offset:#x}"));
    let to = match (pointer.to.kind, &pointer.to.name) {
        ("segment", _) => format!("this segment{offset}"),
        (_, Some(name)) => format!("{}{offset}", Printable(name.bytes())),
        _ => "unnamed memory".to_owned(),
    };
    let first = if pointer.place.distance.is_some() { ", the first" } else { "" };
    format!(
        "pointer at {}{first} {}{} to {to}: {}",
        at(&pointer.place),
        pointer.value,
        tagged(pointer.tag),
        pointer.why
    )
}

/// Bytes that are there: saved, or filled.
fn there(look: &Look) -> u64 {
    look.saved.saturating_add(look.filled)
}
