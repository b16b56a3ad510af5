//! A type's name as people write it: `struct queue`, `queue_t`, `ns::Map<int, char>`, `queue.c:struct queue`.

use crate::debug_files::dwarf::search::Named;

/// A name, taken apart.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Which tags it may have; empty is any.
    tags: &'static [gimli::DwTag],
    /// The end of the name of the source file in which it is looked for.
    pub(super) unit: Option<String>,
    /// Namespaces and classes from the outermost on, and last the name.
    path: Vec<String>,
    /// `[4]` or `[]` behind it: an array of so many, or of as many as fit.
    pub(super) array: Option<Option<u64>>,
}

/// How well a name fits, the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Its template's arguments were left out.
    WithoutArguments,
    /// It lies in a namespace that was left out.
    Inner,
    /// All of it.
    Exact,
}

const KEYWORDS: [(&str, &[gimli::DwTag]); 5] = [
    ("struct", &[gimli::DW_TAG_structure_type, gimli::DW_TAG_class_type]),
    ("class", &[gimli::DW_TAG_structure_type, gimli::DW_TAG_class_type]),
    ("union", &[gimli::DW_TAG_union_type]),
    // A Rust enum with values is a struct to DWARF.
    ("enum", &[gimli::DW_TAG_enumeration_type, gimli::DW_TAG_structure_type]),
    ("typedef", &[gimli::DW_TAG_typedef]),
];

impl Wanted {
    pub(super) fn parse(text: &str) -> Self {
        let (text, array) = without_array(text.trim());
        let (unit, text) = match single_colon(text) {
            Some(at) => {
                let (unit, rest) = text.split_at(at);
                (Some(unit.trim().to_owned()), rest.trim_start_matches(':').trim())
            }
            None => (None, text),
        };
        let mut tags: &'static [gimli::DwTag] = &[];
        let mut name = text;
        for (keyword, meant) in KEYWORDS {
            if let Some(rest) =
                text.strip_prefix(keyword).filter(|rest| rest.starts_with(char::is_whitespace))
            {
                (tags, name) = (meant, rest.trim());
            }
        }
        let path = path(name.strip_prefix("::").unwrap_or(name));
        Self { tags, unit, path, array }
    }

    /// The last part of the name.
    pub(super) fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// How well an entry fits; `None` if it is another one.
    pub(super) fn fits(&self, named: &Named<'_, '_>) -> Option<Fit> {
        let (name, outer) = self.path.split_last()?;
        let whole = same(named.name, name.as_bytes())?;
        if !self.tags.is_empty() && !self.tags.contains(&named.tag) {
            return None;
        }
        let inner = named.scopes.len().checked_sub(outer.len())?;
        let scopes = named.scopes.get(inner..)?;
        let mut pairs = scopes.iter().zip(outer);
        if !pairs.all(|(scope, wanted)| same(scope, wanted.as_bytes()) == Some(true)) {
            return None;
        }
        Some(match (whole, inner) {
            (false, _) => Fit::WithoutArguments,
            (true, 0) => Fit::Exact,
            (true, _) => Fit::Inner,
        })
    }
}

/// Whether the names are the same but for blanks; `Some(false)` if `wanted` lacks the template's arguments.
fn same(name: &[u8], wanted: &[u8]) -> Option<bool> {
    let mut name = name.iter().filter(|byte| **byte != b' ');
    let mut wanted = wanted.iter().filter(|byte| **byte != b' ');
    loop {
        match (name.next(), wanted.next()) {
            (None, None) => return Some(true),
            (Some(b'<'), None) => return Some(false),
            (Some(one), Some(other)) if one == other => {}
            _ => return None,
        }
    }
}

/// Parts between `::` that stand in no brackets.
fn path(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_u32;
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        match char {
            '<' | '(' | '[' | '{' => depth = depth.saturating_add(1),
            '>' | ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && rest.starts_with("::") => {
                parts.push(String::new());
                rest = rest.get(2..).unwrap_or_default();
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(char);
        }
        rest = rest.get(char.len_utf8()..).unwrap_or_default();
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// Where a colon stands alone, outside of brackets: behind the name of a source file.
fn single_colon(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_u32;
    bytes.iter().enumerate().find_map(|(at, byte)| {
        match byte {
            b'<' | b'(' | b'[' | b'{' => depth = depth.saturating_add(1),
            b'>' | b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let beside = |at: Option<usize>| at.and_then(|at| bytes.get(at)) == Some(&b':');
        let alone = *byte == b':' && !beside(at.checked_sub(1)) && !beside(at.checked_add(1));
        (alone && depth == 0 && at > 0).then_some(at)
    })
}

/// The text without `[4]` or `[]` at its end. Not for what begins with a bracket: `[u8; 4]` is a Rust type's name.
fn without_array(text: &str) -> (&str, Option<Option<u64>>) {
    let found = text.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    let Some((name, count)) = found.filter(|(name, _)| !name.trim().is_empty()) else { return (text, None) };
    match count.trim() {
        "" => (name.trim(), Some(None)),
        count => count.parse().map_or((text, None), |count| (name.trim(), Some(Some(count)))),
    }
}

/// How many letters must be changed, put in or left out to make `other` of `one`.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().map(|char| char.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, char) in one.chars().map(|char| char.to_ascii_lowercase()).enumerate() {
        let mut left = index.saturating_add(1);
        let mut diagonal = index;
        for (position, another) in other.iter().enumerate() {
            let next = position.saturating_add(1);
            let above = row.get(next).copied().unwrap_or(usize::MAX);
            let changed = diagonal.saturating_add(usize::from(char != *another));
            let best = changed.min(above.saturating_add(1)).min(left.saturating_add(1));
            if let Some(cell) = row.get_mut(position) {
                *cell = left;
            }
            (diagonal, left) = (above, best);
        }
        if let Some(cell) = row.last_mut() {
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let wanted = Wanted::parse("src/queue.c:struct queue[4]");
        assert_eq!(
            (wanted.unit.as_deref(), wanted.name(), wanted.array),
            (Some("src/queue.c"), "queue", Some(Some(4)))
        );
        assert_eq!(wanted.tags, KEYWORDS[0].1);
        let wanted = Wanted::parse("::one::Map<two::Key, std::less<int> >::node[]");
        assert_eq!(wanted.path, ["one", "Map<two::Key, std::less<int> >", "node"]);
        assert_eq!((wanted.unit, wanted.array), (None, Some(None)));
        assert_eq!(Wanted::parse("[u8; 4]").path, ["[u8; 4]"]);
        assert_eq!(Wanted::parse("structure").path, ["structure"]);
    }

    #[test]
    fn blanks_do_not_count_and_arguments_may_be_left_out() {
        assert_eq!(same(b"Map<int, Key<char> >", b"Map<int,Key<char>>"), Some(true));
        assert_eq!(same(b"Map<int>", b"Map"), Some(false));
        assert_eq!(same(b"Mapping", b"Map"), None);
    }

    #[test]
    fn distances() {
        for (one, other, expected) in [
            ("queue", "queue", 0),
            ("queu", "queue", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("ab", "", 2),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }
}
