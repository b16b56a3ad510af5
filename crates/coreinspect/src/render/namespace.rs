//! The segments of an IPC namespace: a table as lsipc(1) prints it, who attaches each, and what to remove.

use std::io;

use super::canvas::{Canvas, Draw};
use super::grid::{Cell, Grid, Heading};
use super::printable::{Printable, ShellWord};
use super::style::Tone;
use super::table::no_room;
use crate::kind::Kind;
use crate::report::{Namespace, NamespaceSegment};

/// Processes that a row names.
const MOST_NAMED: usize = 6;

const fn heading(name: &'static str, right: bool, dispensable: u8) -> Heading {
    Heading { name, right, dispensable, breaks: false }
}

/// A namespace, and how it is listed.
#[derive(Clone, Copy, Debug)]
pub struct ListedNamespace<'a> {
    /// What is listed.
    pub namespace: &'a Namespace,
    /// Whether headings are printed.
    pub header: bool,
    /// Whether it is said what nobody will remove.
    pub prose: bool,
}

impl Draw for ListedNamespace<'_> {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let Self { namespace, header, prose } = *self;
        if namespace.segments.is_empty() {
            return Ok(());
        }
        let left_out = table(namespace, header, canvas)?;
        if prose {
            no_room(&left_out, canvas)?;
        }
        let orphans: Vec<_> = namespace.segments.iter().filter(|segment| segment.orphan).collect();
        match orphans.as_slice() {
            orphans @ [_, ..] if prose => tell(orphans, canvas),
            _ => Ok(()),
        }
    }
}

fn table(namespace: &Namespace, header: bool, canvas: &mut dyn Canvas) -> io::Result<Vec<&'static str>> {
    let style = canvas.style();
    let bytes =
        |bytes: Option<u64>| Cell::new(bytes.map_or_else(|| "?".to_owned(), |bytes| style.size(bytes)));
    let names = namespace.segments.iter().any(|segment| segment.kind != Some(Kind::SystemV));
    let or = |instead: &str, text: Option<String>| Cell::new(text.unwrap_or_else(|| instead.to_owned()));
    let row = |segment: &NamespaceSegment| {
        vec![
            Cell::new(Printable(segment.label().as_bytes()).to_string()).tone(Tone::Name),
            or("-", segment.shmid.map(|id| id.to_string())),
            or("?", segment.owner.map(|owner| owner.to_string())),
            or("?", segment.perms.clone()),
            bytes(segment.size),
            bytes(segment.resident),
            or("-", segment.nattch.map(|count| count.to_string())),
            Cell::new(status(segment)).tone(if segment.orphan { Tone::Care } else { Tone::Plain }),
            Cell::new(attached_by(segment)),
        ]
    };
    let grid = Grid {
        headings: vec![
            heading(if names { "NAME" } else { "KEY" }, false, 0),
            heading("SHMID", true, 0),
            heading("OWNER", false, 2),
            heading("PERMS", false, 3),
            heading("SIZE", true, 0),
            heading("RESIDENT", true, 4),
            heading("NATTCH", true, 0),
            heading("STATUS", false, 1),
            Heading { name: "ATTACHED BY", right: false, dispensable: 0, breaks: true },
        ],
        rows: namespace.segments.iter().map(row).collect(),
        header,
    };
    canvas.table(grid)
}

/// Tells which segments nobody will ever remove, and how to.
fn tell(orphans: &[&NamespaceSegment], canvas: &mut dyn Canvas) -> io::Result<()> {
    canvas.gap()?;
    let files = orphans.iter().any(|orphan| orphan.shmid.is_none());
    let text = match orphans.len() {
        1 if files => {
            "An orphan: nobody maps it or holds it open, and it stays until it is removed:".to_owned()
        }
        1 => "An orphan: nobody attaches it, its creator has ended, and it stays until it is removed:"
            .to_owned(),
        count if files => format!(
            "{count} orphans: nobody attaches or maps them or holds them open, the creators of System V segments have ended, and they stay until they are removed:"
        ),
        count => format!(
            "{count} orphans: nobody attaches them, their creators have ended, and they stay until they are removed:"
        ),
    };
    canvas.prose(0, &text)?;
    canvas.preformatted(&mut |style, out| {
        for orphan in orphans {
            let made = orphan.cpid.map_or_else(String::new, |pid| format!(", made by {pid}"));
            let size = orphan.size.unwrap_or(0);
            match (&orphan.key, orphan.shmid, &orphan.name) {
                (Some(key), Some(shmid), _) => {
                    let what = format!("  # {key}, {size} bytes{made}");
                    writeln!(out, "  ipcrm -m {shmid}{}", style.paint(Tone::Faint, what))?;
                }
                (_, _, Some(path)) => {
                    let what = format!("  # {size} bytes");
                    let path = ShellWord(path.bytes());
                    writeln!(out, "  rm {path}{}", style.paint(Tone::Faint, what))?;
                }
                _ => {}
            }
        }
        Ok(())
    })
}

/// The words of ipcs(1): `dest`, `locked`; and `orphan`.
fn status(segment: &NamespaceSegment) -> String {
    let words = [(segment.removed, "dest"), (segment.locked, "locked"), (segment.orphan, "orphan")];
    words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

fn attached_by(segment: &NamespaceSegment) -> String {
    let processes = segment.attached_by.iter().zip(&segment.commands);
    let named: Vec<_> =
        processes.take(MOST_NAMED).map(|(pid, command)| format!("{pid} {}", Printable(command))).collect();
    let more = segment.attached_by.len().saturating_sub(MOST_NAMED);
    match (named.is_empty(), more) {
        (true, _) if segment.nattch.is_some_and(|count| count > 0) => "?".to_owned(),
        (_, 0) => named.join(", "),
        _ => format!("{}, and {more} more", named.join(", ")),
    }
}
