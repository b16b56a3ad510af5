//! Where the types of a name are: one pass over all entries, which keeps nothing.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use gimli::{AttributeValue, DwTag};

use super::units::{Place, Units};
use super::wanted::{Fit, Wanted, distance};

/// An entry with a name that is a type, or holds some.
pub(super) struct Named<'a, 'd> {
    pub(super) place: Place,
    pub(super) tag: DwTag,
    pub(super) name: &'d [u8],
    /// The names of the namespaces and types around it, the outermost first. Functions are left out.
    pub(super) scopes: &'a [&'d [u8]],
    /// Whether it only says that there is such a type.
    pub(super) declaration: bool,
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Definitions of the best fit, in the order of the file.
    pub(super) definitions: Vec<Candidate>,
    /// Whether it is declared somewhere.
    pub(super) declared: bool,
    /// More definitions than are kept.
    pub(super) more: bool,
}

/// A definition.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) place: Place,
    pub(super) name: String,
}

/// Definitions that are kept: a C struct is defined once in every unit that includes its header.
const KEPT: usize = 100;

/// Names that are like the wanted one and are told.
const SUGGESTIONS: usize = 5;

/// What can be asked for by its name.
pub(super) fn is_type(tag: DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_structure_type
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_typedef
            | gimli::DW_TAG_base_type
            | gimli::DW_TAG_array_type
            | gimli::DW_TAG_interface_type
    )
}

fn is_scope(tag: DwTag) -> bool {
    matches!(tag, gimli::DW_TAG_namespace | gimli::DW_TAG_module)
        || is_type(tag) && !matches!(tag, gimli::DW_TAG_typedef | gimli::DW_TAG_base_type)
}

impl<'d> Units<'d> {
    /// Hands every type of `unit` to `each`, and the namespaces. The insides of functions are passed over unless
    /// `in_functions`.
    pub(super) fn types_of_unit(
        &self,
        unit: usize,
        in_functions: bool,
        mut each: impl FnMut(&Named<'_, 'd>) -> ControlFlow<()>,
    ) -> gimli::Result<ControlFlow<()>> {
        let walk = self.walk(unit, None)?;
        let mut entries = walk.entries()?;
        let mut scopes: Vec<&'d [u8]> = Vec::new();
        let mut depths: Vec<isize> = Vec::new();
        // Declarations inside of a type, which a definition elsewhere may refer to instead of naming itself.
        let mut declared: HashMap<usize, (Vec<&'d [u8]>, &'d [u8])> = HashMap::new();
        // The depth of the function that is passed over.
        let mut function = None;
        while !entries.raw.is_empty() {
            let depth = entries.depth();
            let offset = entries.raw.next_offset().0;
            let Some(abbreviation) = entries.raw.read_abbreviation()? else { continue };
            if function.is_some_and(|function| depth > function) {
                entries.raw.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            function = None;
            while depths.last().is_some_and(|scope| *scope >= depth) {
                depths.pop();
                scopes.pop();
            }
            let tag = abbreviation.tag();
            let (scope, kind) = (is_scope(tag), is_type(tag));
            let passed_over = !in_functions
                && abbreviation.has_children()
                && matches!(
                    tag,
                    gimli::DW_TAG_subprogram | gimli::DW_TAG_lexical_block | gimli::DW_TAG_inlined_subroutine
                );
            if !scope && !kind && !passed_over {
                entries.raw.skip_attributes(abbreviation.attributes())?;
                continue;
            }
            let (mut name, mut sibling, mut declaration, mut specification) = (None, None, false, None);
            for attribute in abbreviation.attributes() {
                let wanted = attribute.name();
                let read = entries.raw.read_attribute(*attribute)?;
                match (wanted, read.value()) {
                    (gimli::DW_AT_name, value) if !passed_over => name = self.string(unit, value),
                    (gimli::DW_AT_sibling, AttributeValue::UnitRef(offset)) => sibling = Some(offset),
                    (gimli::DW_AT_declaration, AttributeValue::Flag(flag)) => declaration = flag,
                    (gimli::DW_AT_specification, AttributeValue::UnitRef(offset)) => {
                        specification = Some(offset)
                    }
                    _ => {}
                }
            }
            if passed_over {
                function = Some(depth);
                if let Some(sibling) = sibling {
                    entries.jump(sibling, depth);
                }
                continue;
            }
            let name = name.filter(|name| !name.is_empty()).map(|name| name.slice());
            let elsewhere = specification.and_then(|offset| declared.get(&offset.0));
            let full = match (elsewhere, name) {
                (Some((scopes, name)), _) => Some((scopes.as_slice(), *name)),
                (None, name) => name.map(|name| (scopes.as_slice(), name)),
            };
            if let Some((scopes, name)) = full {
                let place = Place { unit, offset };
                if each(&Named { place, tag, name, scopes, declaration }).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if let Some(name) = name.filter(|_| declaration && !scopes.is_empty()) {
                declared.insert(offset, (scopes.clone(), name));
            }
            // An anonymous namespace, struct or union is no part of a name.
            if let Some(name) = name.filter(|_| scope && abbreviation.has_children()) {
                scopes.push(name);
                depths.push(depth);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The definitions that fit `wanted` best.
    pub(super) fn search(&self, wanted: &Wanted) -> Found {
        let found = self.search_in(wanted, false);
        // A type that a function has for itself is rare, and costs a pass over every function.
        if found.definitions.is_empty() { self.search_in(wanted, true) } else { found }
    }

    fn search_in(&self, wanted: &Wanted, in_functions: bool) -> Found {
        let mut found = Found::default();
        let mut best = Fit::WithoutArguments;
        for unit in self.units_called(wanted.unit.as_deref()) {
            let _ = self.types_of_unit(unit, in_functions, |named| {
                let Some(fit) = is_type(named.tag).then(|| wanted.fits(named)).flatten() else {
                    return ControlFlow::Continue(());
                };
                if named.declaration {
                    found.declared = true;
                    return ControlFlow::Continue(());
                }
                if fit > best {
                    found.definitions.clear();
                    found.more = false;
                    best = fit;
                }
                if fit == best {
                    found.more = found.definitions.len() >= KEPT;
                    if !found.more {
                        let name = joined(named.scopes, named.name);
                        found.definitions.push(Candidate { place: named.place, name });
                    }
                }
                ControlFlow::Continue(())
            });
        }
        found
    }

    /// The units whose source file's name ends in `name`; all without one.
    fn units_called(&self, name: Option<&str>) -> impl Iterator<Item = usize> {
        (0..self.count()).filter(move |unit| {
            name.is_none_or(|wanted| {
                self.root(*unit).name.is_some_and(|name| {
                    let before = name.slice().strip_suffix(wanted.as_bytes());
                    before.is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
                })
            })
        })
    }

    /// Names of types that are like `wanted`, the nearest first.
    pub(super) fn similar(&self, wanted: &Wanted) -> Vec<String> {
        // Of `strct queue` the first word is none of the name.
        let name = wanted.name();
        let target = if name.contains('<') { name } else { name.rsplit(' ').next().unwrap_or(name) };
        // Of four letters any other four are two away.
        let allowed = match target.chars().count() {
            0..=4 => 1,
            letters => letters.div_ceil(3).min(4),
        };
        let mut nearest: Vec<(usize, String)> = Vec::new();
        for unit in 0..self.count() {
            let _ = self.types_of_unit(unit, false, |named| {
                let length = named.name.len().abs_diff(target.len());
                if named.declaration
                    || !is_type(named.tag)
                    || length > allowed.saturating_mul(4)
                    || named.name.len() > 256
                {
                    return ControlFlow::Continue(());
                }
                let text = String::from_utf8_lossy(named.name);
                let away = distance(&text, target);
                let worst = nearest.get(SUGGESTIONS.saturating_sub(1)).map_or(usize::MAX, |(away, _)| *away);
                if away <= allowed && away < worst {
                    let name = spelled(named);
                    if nearest.iter().all(|(_, known)| *known != name) {
                        nearest.push((away, name));
                        nearest.sort();
                        nearest.truncate(SUGGESTIONS);
                    }
                }
                ControlFlow::Continue(())
            });
        }
        nearest.into_iter().map(|(_, name)| name).collect()
    }

    /// The definitions of types that are only declared where they are used: names as [`joined`] makes them.
    pub(super) fn definitions(&self, names: &[String]) -> HashMap<String, Place> {
        let mut found = HashMap::new();
        for unit in 0..self.count() {
            let done = self.types_of_unit(unit, false, |named| {
                if is_type(named.tag)
                    && !named.declaration
                    && named.tag != gimli::DW_TAG_typedef
                    && names.iter().any(|name| name.as_bytes().ends_with(named.name))
                {
                    let name = joined(named.scopes, named.name);
                    if names.contains(&name) {
                        found.entry(name).or_insert(named.place);
                    }
                }
                if found.len() == names.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if matches!(done, Ok(ControlFlow::Break(()))) {
                break;
            }
        }
        found
    }

    /// What stands before the name of each type of `unit` that lies in a namespace or in another type.
    pub(super) fn scopes_of(&self, unit: usize) -> HashMap<usize, Arc<str>> {
        let mut found = HashMap::new();
        let mut last: Option<(Vec<&'d [u8]>, Arc<str>)> = None;
        let _ = self.types_of_unit(unit, true, |named| {
            let Some((inner, outer)) = named.scopes.split_last() else { return ControlFlow::Continue(()) };
            let scope = match &last {
                Some((scopes, text)) if scopes == named.scopes => text.clone(),
                _ => joined(outer, inner).into(),
            };
            last = Some((named.scopes.to_vec(), scope.clone()));
            if is_type(named.tag) {
                found.insert(named.place.offset, scope);
            }
            ControlFlow::Continue(())
        });
        found
    }
}

/// `outer::inner::name`.
fn joined(scopes: &[&[u8]], name: &[u8]) -> String {
    let mut text = String::new();
    for scope in scopes {
        text.push_str(&String::from_utf8_lossy(scope));
        text.push_str("::");
    }
    text.push_str(&String::from_utf8_lossy(name));
    text
}

/// As it is written to ask for it.
fn spelled(named: &Named<'_, '_>) -> String {
    let name = joined(named.scopes, named.name);
    match named.tag {
        gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => format!("struct {name}"),
        gimli::DW_TAG_union_type => format!("union {name}"),
        gimli::DW_TAG_enumeration_type => format!("enum {name}"),
        _ => name,
    }
}
