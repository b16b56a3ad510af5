//! A report as text. What draws a report ([`Draw`]) stands in a file for each report, an output in a file and a row of
//! [`OUTPUTS`]; each report goes to each output. [`Style`] is what must be known of the place where the text will be read.

mod about;
mod address_space;
mod bytes;
pub mod canvas;
pub mod check;
pub mod diff;
mod filled;
pub mod grid;
pub mod hex;
pub mod json;
pub mod jsonl;
pub mod key;
mod layouts;
pub mod locks;
pub mod look;
pub mod many;
pub mod markdown;
mod missing;
pub mod namespace;
pub mod output;
mod page_map;
pub mod printable;
pub(crate) mod prose;
pub mod records;
pub mod refs;
pub mod search;
pub mod segment;
mod shared;
mod sheet;
pub mod size;
pub mod style;
pub mod table;
mod tag;
pub mod terminal;
mod times;
mod unnamed;
pub mod value;
mod written;

pub use canvas::{Canvas, Draw};
pub use output::{Document, OUTPUTS, Output, Shown};
pub use style::Style;
