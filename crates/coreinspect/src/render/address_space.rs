//! The address space of a process: a row a mapping, and what lies just beside a segment or the fault.

use std::io;

use super::canvas::{Canvas, Draw};
use super::grid::{Cell, Grid, Heading};
use super::printable::Printable;
use super::style::{Style, Tone};
use crate::address_space::What;
use crate::report::{AddressSpace, MappingRow};

const fn heading(name: &'static str, right: bool, dispensable: u8) -> Heading {
    Heading { name, right, dispensable, breaks: false }
}

impl Draw for AddressSpace {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        if self.mappings.is_empty() {
            return Ok(());
        }
        let style = canvas.style();
        let headings = vec![
            heading("START", false, 0),
            heading("END", false, 2),
            heading("PERM", false, 0),
            heading("SIZE", true, 1),
            heading("SAVED", true, 0),
            heading("WHAT", false, 0),
            Heading { name: "NAME", right: false, dispensable: 0, breaks: true },
        ];
        let rows = self.mappings.iter().map(|row| cells(row, style)).collect();
        canvas.table(Grid { headings, rows, header: true })?;
        if let Some(address) = self.fault_address {
            canvas.gap()?;
            let holding = self.mappings.iter().find(|row| row.fault);
            canvas.prose(
                0,
                &match holding {
                    Some(row) => format!("fault at {address}: in the {} at {}", named(row), row.start),
                    None => format!("fault at {address}: in no mapping{}", self.neighbours(address.0)),
                },
            )?;
        }
        Ok(())
    }
}

impl AddressSpace {
    /// How far from its neighbours an address is that lies in no mapping.
    fn neighbours(&self, address: u64) -> String {
        let below = self.mappings.iter().rfind(|row| row.end.0 <= address);
        let above = self.mappings.iter().find(|row| row.start.0 > address);
        let below = below.map(|row| {
            format!(
                ", {} bytes behind the {} that ends at {}",
                address.saturating_sub(row.end.0),
                named(row),
                row.end
            )
        });
        let above = above.map(|row| {
            format!(
                ", {} bytes before the {} at {}",
                row.start.0.saturating_sub(address),
                named(row),
                row.start
            )
        });
        [below, above].into_iter().flatten().collect()
    }
}

fn named(row: &MappingRow) -> String {
    let number = row.segment.map(|number| format!(" {number}"));
    format!("{}{}", row.what.word(), number.unwrap_or_default())
}

fn cells(row: &MappingRow, style: Style) -> Vec<Cell> {
    let size = row.end.0.saturating_sub(row.start.0);
    let whole = if row.saved == size { Tone::Plain } else { Tone::Care };
    let saved = if row.saved == 0 { Tone::Faint } else { whole };
    let mut name = match (&row.segment, &row.key, &row.name) {
        (Some(number), Some(key), _) => format!("{number} {key}"),
        (Some(number), None, Some(name)) => format!("{number} {}", Printable(name.bytes())),
        (Some(number), None, None) => number.to_string(),
        (None, _, name) => name.as_ref().map_or_else(String::new, |name| Printable(name.bytes()).to_string()),
    };
    if let Some(offset) = row.offset.filter(|offset| *offset > 0 && row.segment.is_some()) {
        name.push_str(&format!(" +{offset:#x}"));
    }
    if let Some(thread) = row.thread {
        name.push_str(&format!("{}thread {thread}", if name.is_empty() { "" } else { " " }));
    }
    if row.fault {
        name.push_str(if style.unicode { "  ◀ fault" } else { "  <- fault" });
    }
    let tone = match row.what {
        _ if row.fault => Tone::Bad,
        What::Segment => Tone::Name,
        What::Guard | What::Vdso => Tone::Faint,
        _ => Tone::Plain,
    };
    vec![
        Cell::new(row.start.to_string()),
        Cell::new(row.end.to_string()),
        Cell::new(row.permissions.as_deref().unwrap_or("?")),
        Cell::new(style.size(size)),
        Cell::new(style.size(row.saved)).tone(saved),
        Cell::new(row.what.word()).tone(tone),
        Cell::new(name).tone(tone),
    ]
}
