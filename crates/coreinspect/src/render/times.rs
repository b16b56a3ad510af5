//! Times, the oldest first.

use std::io;

use super::canvas::Canvas;
use super::printable::Printable;
use super::style::Tone;
use crate::report::Moment;

/// Draws `moments` as a list; nothing if there are none.
pub(super) fn draw(moments: &[Moment], canvas: &mut dyn Canvas) -> io::Result<()> {
    if moments.is_empty() {
        return Ok(());
    }
    canvas.gap()?;
    canvas.heading(&[(Tone::Name, "times that are known, the oldest first")])?;
    for moment in moments {
        let time = jiff::Timestamp::from_nanosecond(moment.nanoseconds);
        let time = time.map_or_else(|_| "beyond all dates".to_owned(), |time| time.to_string());
        canvas.prose(2, &format!("{time}  {}", Printable(moment.what.as_bytes())))?;
    }
    Ok(())
}
