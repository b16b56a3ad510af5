//! How the language writes a type: `struct queue`, `ns::Class<int>`, `const char *`, `crate::module::Struct`.

use super::build::Builder;
use super::units::{Die, Place};

/// Types within types that are spelled.
const DEPTH: u32 = 12;
/// Letters of a name that are kept: templates grow without end.
const LENGTH: usize = 1000;

impl<'d> Builder<'_, 'd> {
    /// Whether `unit` was written in Rust.
    pub(super) fn is_rust(&self, unit: usize) -> bool {
        self.units.language(unit) == Some(gimli::DW_LANG_Rust)
    }

    /// Whether structs are called by their keyword in `unit`: in C, Objective C and assembler.
    fn has_tags(&self, unit: usize) -> bool {
        let language = self.units.language(unit).map(|language| language.0);
        // DWARF 5, table 7.17; a shared part that dwz made may not say its language.
        language.is_none_or(|language| matches!(language, 0x01 | 0x02 | 0x0c | 0x10 | 0x1d | 0x2c | 0x8001))
    }

    /// The name of the type at `place`, as it is written to ask for it; `None` if it has none.
    pub(super) fn spelling(&self, place: Place) -> Option<String> {
        let mut name = self.spelled(Some(place), DEPTH)?;
        if name.len() > LENGTH {
            let end = (0..=LENGTH).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
            name.truncate(end);
            name.push_str("...");
        }
        Some(name)
    }

    /// The name of `die` behind the namespaces and types that it stands in.
    pub(super) fn full_name(&self, die: &Die<'d>) -> Option<String> {
        let name = String::from_utf8_lossy(self.units.name(die)?);
        let place = die.place;
        if self.has_tags(place.unit) {
            return Some(name.into_owned());
        }
        let mut scopes = self.scopes.borrow_mut();
        let scopes = scopes.entry(place.unit).or_insert_with(|| self.units.scopes_of(place.unit));
        Some(match scopes.get(&place.offset) {
            Some(scope) => format!("{scope}::{name}"),
            None => name.into_owned(),
        })
    }

    fn spelled(&self, place: Option<Place>, depth: u32) -> Option<String> {
        let Some(place) = place else { return Some("void".to_owned()) };
        let depth = depth.checked_sub(1)?;
        let die = self.units.die(place).ok()?;
        if let Some(unit) = self.units.target(&die, gimli::DW_AT_signature) {
            return self.spelled(Some(unit), depth);
        }
        let target = || self.spelled(self.units.target(&die, gimli::DW_AT_type), depth);
        let behind = |mark: &str| {
            let target = target()?;
            Some(match target.ends_with(['*', '&']) {
                true => format!("{target}{mark}"),
                false => format!("{target} {mark}"),
            })
        };
        let keyword = match die.entry.tag() {
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => "struct ",
            gimli::DW_TAG_union_type => "union ",
            gimli::DW_TAG_enumeration_type => "enum ",
            // Rust names its pointers and arrays itself.
            _ if self.units.name(&die).is_some() => "",
            gimli::DW_TAG_pointer_type => return behind("*"),
            gimli::DW_TAG_reference_type => return behind("&"),
            gimli::DW_TAG_rvalue_reference_type => return behind("&&"),
            gimli::DW_TAG_const_type => return target().map(|target| format!("const {target}")),
            gimli::DW_TAG_volatile_type => return target().map(|target| format!("volatile {target}")),
            gimli::DW_TAG_atomic_type => return target().map(|target| format!("_Atomic {target}")),
            gimli::DW_TAG_restrict_type | gimli::DW_TAG_packed_type => return target(),
            gimli::DW_TAG_array_type => return target().map(|target| format!("{target} []")),
            gimli::DW_TAG_subroutine_type => return target().map(|target| format!("{target} ()")),
            _ => return None,
        };
        let name = self.full_name(&die)?;
        Some(if self.has_tags(place.unit) { format!("{keyword}{name}") } else { name })
    }
}
