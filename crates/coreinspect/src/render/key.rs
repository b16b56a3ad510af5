//! What a key means.

use std::io;

use shmcore::Key;

use super::canvas::{Canvas, Draw, Margin};
use super::json::Data;
use super::output::Shown;
use super::printable::Printable;
use crate::report::{KeyReport, Searched};

/// A report of `key`.
#[derive(Clone, Copy, Debug)]
pub struct ShownKey<'a> {
    /// The key.
    pub key: Key,
    /// What is said of it.
    pub report: &'a KeyReport,
}

const MARGIN: Margin = Margin { indent: 0, name: 13 };

impl Shown for ShownKey<'_> {
    fn data(&self) -> &dyn Data {
        self.report
    }
}

impl Draw for ShownKey<'_> {
    fn draw(&self, canvas: &mut dyn Canvas) -> io::Result<()> {
        let Self { key, report } = *self;
        let mut fact =
            |name: &str, text: &str| canvas.fact(MARGIN, name, &Printable(text.as_bytes()).to_string());
        fact("key", &report.key)?;
        fact("key_t", &format!("{} signed, {} unsigned", key.signed_decimal(), key.unsigned_decimal()))?;
        fact("mapping", &key.mapping_name().to_string())?;
        if let Some(parts) = &report.key_parts {
            let character = parts.project_char.map_or_else(String::new, |c| format!(" '{c}'"));
            let text = format!(
                "project id {}{character}, low byte of the device {}, low 16 bits of the inode {}",
                parts.project_id, parts.device_low, parts.inode_low
            );
            fact("ftok parts", &text)?;
        }
        for known in &report.known {
            let sure = if known.certain { "" } else { "perhaps " };
            fact("known", &format!("{sure}{} ({})", known.name, known.evidence))?;
        }
        for candidate in &report.candidates {
            let how = match &candidate.project_id {
                Some(project_id) => format!("by ftok with project id {project_id}"),
                None => "by its inode, as PostgreSQL 13 and later do".to_owned(),
            };
            let evidence =
                candidate.evidence.as_ref().map_or_else(String::new, |evidence| format!(" ({evidence})"));
            fact("path", &format!("{} {how}{evidence}", candidate.path.path))?;
        }
        match &report.searched {
            Some(searched) => fact("searched", &went(searched, report.candidates.len())),
            None => Ok(()),
        }
    }
}

/// How far a search went that found so many paths.
fn went(searched: &Searched, found: usize) -> String {
    format!(
        "{} paths, {} of them on a matching device: {found} make this key; {} expected by chance (16 bits of the inode decide); {} could not be read",
        searched.paths,
        searched.on_device,
        chance(searched.expected_by_chance),
        searched.unreadable
    )
}

/// How many paths would fit by chance, with the digits that say something.
pub fn chance(expected: f64) -> String {
    match expected {
        few if few < 0.0001 => "fewer than 0.0001".to_owned(),
        few if few < 0.1 => format!("{few:.4}"),
        many => format!("{many:.1}"),
    }
}
