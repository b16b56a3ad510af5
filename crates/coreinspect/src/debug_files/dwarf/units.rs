//! The units of debug information, and the entries in them: the one place that follows a reference.
//!
//! DWARF 5 (dwarfstd.org), chapters 2, 3 and 7. Of a file of a hundred megabytes only the list of units is kept.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use gimli::{
    Abbreviations, AttributeValue, DebugAbbrev, DebugInfo, DebugLineStr, DebugStr, DebugStrOffsets,
    DebugStrOffsetsBase, DebugTypes, DwAt, DwLang, DwTag, EntriesRaw, SectionId, UnitHeader, UnitOffset,
    UnitType,
};

use super::sections::{Sections, Slice};

pub(super) type Entry<'d> = gimli::DebuggingInformationEntry<Slice<'d>>;
pub(super) type Value<'d> = AttributeValue<Slice<'d>>;

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// The index of its unit.
    pub(super) unit: usize,
    /// Bytes behind the unit's start.
    pub(super) offset: usize,
}

/// An entry that was read.
#[derive(Clone, Debug)]
pub(super) struct Die<'d> {
    pub(super) place: Place,
    pub(super) entry: Entry<'d>,
}

/// The tables of one file.
struct Tables<'d> {
    abbreviations: DebugAbbrev<Slice<'d>>,
    strings: DebugStr<Slice<'d>>,
    line_strings: DebugLineStr<Slice<'d>>,
    string_offsets: DebugStrOffsets<Slice<'d>>,
}

/// A unit: mostly what one source file was compiled to.
pub(super) struct Unit<'d> {
    header: UnitHeader<Slice<'d>>,
    /// The index of its file: the second is the supplementary one.
    file: usize,
    root: OnceCell<Root<'d>>,
}

/// What the first entry of a unit says of all of it.
#[derive(Clone, Default)]
pub(super) struct Root<'d> {
    string_offsets: Option<DebugStrOffsetsBase<usize>>,
    pub(super) language: Option<DwLang>,
    pub(super) name: Option<Slice<'d>>,
    /// The file that has the rest of it (split DWARF).
    pub(super) split: Option<Slice<'d>>,
}

/// The debug information of a file, and of the file that it shares parts with (`dwz -m`).
pub(super) struct Units<'d> {
    tables: Vec<Tables<'d>>,
    units: Vec<Unit<'d>>,
    /// The type units, by their signature.
    signatures: HashMap<u64, Place>,
    /// The last tables that were used: a compiler makes one a unit, a linker may share one between all.
    abbreviations: RefCell<HashMap<(usize, usize), Rc<Abbreviations>>>,
    /// The first language that a unit says.
    language: OnceCell<Option<DwLang>>,
    /// What is wrong, if the list of units broke off.
    pub(super) damage: Option<gimli::Error>,
}

/// Tables of abbreviations that are kept.
const TABLES: usize = 32;

impl<'d> Units<'d> {
    /// Lists the units of `files`: the file itself, and perhaps the supplementary one.
    pub(super) fn of(files: impl IntoIterator<Item = &'d Sections>) -> Self {
        let mut all = Self {
            tables: Vec::new(),
            units: Vec::new(),
            signatures: HashMap::new(),
            abbreviations: RefCell::default(),
            language: OnceCell::new(),
            damage: None,
        };
        for (file, sections) in files.into_iter().enumerate() {
            all.tables.push(Tables {
                abbreviations: DebugAbbrev::from(sections.get(SectionId::DebugAbbrev)),
                strings: DebugStr::from(sections.get(SectionId::DebugStr)),
                line_strings: DebugLineStr::from(sections.get(SectionId::DebugLineStr)),
                string_offsets: DebugStrOffsets::from(sections.get(SectionId::DebugStrOffsets)),
            });
            let mut headers = DebugInfo::from(sections.get(SectionId::DebugInfo)).units();
            all.list(file, || headers.next());
            let mut headers = DebugTypes::from(sections.get(SectionId::DebugTypes)).units();
            all.list(file, || headers.next());
        }
        all
    }

    fn list(&mut self, file: usize, mut next: impl FnMut() -> gimli::Result<Option<UnitHeader<Slice<'d>>>>) {
        loop {
            match next() {
                Ok(Some(header)) => {
                    if let UnitType::Type { type_signature, type_offset } = header.type_() {
                        let place = Place { unit: self.units.len(), offset: type_offset.0 };
                        self.signatures.insert(type_signature.0, place);
                    }
                    self.units.push(Unit { header, file, root: OnceCell::new() });
                }
                Ok(None) => return,
                Err(error) => {
                    self.damage = Some(error);
                    return;
                }
            }
        }
    }

    /// How many units there are.
    pub(super) fn count(&self) -> usize {
        self.units.len()
    }

    fn unit(&self, unit: usize) -> gimli::Result<&Unit<'d>> {
        self.units.get(unit).ok_or(gimli::Error::NoEntryAtGivenOffset(unit as u64))
    }

    /// Bytes of an address of `unit`.
    pub(super) fn address_size(&self, unit: usize) -> u8 {
        self.units.get(unit).map_or(0, |unit| unit.header.address_size())
    }

    /// How `unit` was encoded.
    pub(super) fn encoding(&self, unit: usize) -> Option<gimli::Encoding> {
        self.units.get(unit).map(|unit| unit.header.encoding())
    }

    fn abbreviations(&self, unit: &Unit<'d>) -> gimli::Result<Rc<Abbreviations>> {
        let key = (unit.file, unit.header.debug_abbrev_offset().0);
        if let Some(known) = self.abbreviations.borrow().get(&key) {
            return Ok(known.clone());
        }
        let tables = self.tables.get(unit.file).ok_or(gimli::Error::OffsetOutOfBounds(0))?;
        let read = Rc::new(unit.header.abbreviations(&tables.abbreviations)?);
        let mut kept = self.abbreviations.borrow_mut();
        if kept.len() >= TABLES {
            kept.clear();
        }
        kept.insert(key, read.clone());
        Ok(read)
    }

    /// Walks the entries of `unit` from `offset` on, or from its first.
    pub(super) fn walk(&self, unit: usize, offset: Option<usize>) -> gimli::Result<Walk<'_, 'd>> {
        let unit = self.unit(unit)?;
        let abbreviations = self.abbreviations(unit)?;
        Ok(Walk { unit, abbreviations, offset: offset.map(UnitOffset) })
    }

    /// What the first entry of `unit` says of all of it.
    pub(super) fn root(&self, unit: usize) -> Root<'d> {
        let Some(known) = self.units.get(unit) else { return Root::default() };
        known.root.get_or_init(|| self.read_root(unit).unwrap_or_default()).clone()
    }

    fn read_root(&self, unit: usize) -> gimli::Result<Root<'d>> {
        let walk = self.walk(unit, None)?;
        let mut entry = Entry::null();
        walk.entries()?.raw.read_entry(&mut entry)?;
        let mut root = Root::default();
        if let Some(AttributeValue::DebugStrOffsetsBase(base)) =
            entry.attr_value(gimli::DW_AT_str_offsets_base)
        {
            root.string_offsets = Some(base);
        }
        if let Some(AttributeValue::Language(language)) = entry.attr_value(gimli::DW_AT_language) {
            root.language = Some(language);
        }
        let string = |name| self.string_of(walk.unit, &root, entry.attr_value(name)?);
        let name = string(gimli::DW_AT_name);
        let split = string(gimli::DW_AT_dwo_name).or_else(|| string(gimli::DW_AT_GNU_dwo_name));
        (root.name, root.split) = (name, split);
        Ok(root)
    }

    /// The language of `unit`; of a part that `dwz` made of several, which does not say it, that of the first.
    pub(super) fn language(&self, unit: usize) -> Option<DwLang> {
        let first =
            || *self.language.get_or_init(|| (0..self.count()).find_map(|unit| self.root(unit).language));
        self.root(unit).language.or_else(first)
    }

    /// The entry at `place`.
    pub(super) fn die(&self, place: Place) -> gimli::Result<Die<'d>> {
        let mut entry = Entry::null();
        let found = self.walk(place.unit, Some(place.offset))?.entries()?.raw.read_entry(&mut entry)?;
        if !found {
            return Err(gimli::Error::NoEntryAtGivenOffset(place.offset as u64));
        }
        Ok(Die { place, entry })
    }

    /// The children of `die` whose tag is one of `wanted`, in their order.
    pub(super) fn children(&self, die: &Die<'d>, wanted: &[DwTag]) -> gimli::Result<Vec<Die<'d>>> {
        let mut found = Vec::new();
        if !die.entry.has_children() {
            return Ok(found);
        }
        let walk = self.walk(die.place.unit, Some(die.place.offset))?;
        let mut entries = walk.entries()?;
        let mut entry = Entry::null();
        entries.raw.read_entry(&mut entry)?;
        while !entries.raw.is_empty() && entries.depth() > 0 {
            let depth = entries.depth();
            let offset = entries.raw.next_offset().0;
            if depth > 1 {
                if let Some(abbreviation) = entries.raw.read_abbreviation()? {
                    entries.raw.skip_attributes(abbreviation.attributes())?;
                }
                continue;
            }
            if !entries.raw.read_entry(&mut entry)? {
                continue;
            }
            if wanted.contains(&entry.tag()) {
                let place = Place { unit: die.place.unit, offset };
                found.push(Die { place, entry: entry.clone() });
            }
            if entry.has_children()
                && let Some(AttributeValue::UnitRef(sibling)) = entry.attr_value(gimli::DW_AT_sibling)
            {
                entries.jump(sibling, depth);
            }
        }
        Ok(found)
    }

    /// The text that an attribute of `unit` holds.
    pub(super) fn string(&self, unit: usize, value: Value<'d>) -> Option<Slice<'d>> {
        let root = self.root(unit);
        self.string_of(self.units.get(unit)?, &root, value)
    }

    fn string_of(&self, unit: &Unit<'d>, root: &Root<'d>, value: Value<'d>) -> Option<Slice<'d>> {
        let tables = self.tables.get(unit.file)?;
        match value {
            AttributeValue::String(string) => Some(string),
            AttributeValue::DebugStrRef(offset) => tables.strings.get_str(offset).ok(),
            AttributeValue::DebugLineStrRef(offset) => tables.line_strings.get_str(offset).ok(),
            AttributeValue::DebugStrRefSup(offset) => self.tables.get(1)?.strings.get_str(offset).ok(),
            AttributeValue::DebugStrOffsetsIndex(index) => {
                let encoding = unit.header.encoding();
                let start = DebugStrOffsetsBase::default_for_encoding_and_file(encoding, Default::default());
                let base = root.string_offsets.unwrap_or(start);
                let offset = tables.string_offsets.get_str_offset(encoding.format, base, index).ok()?;
                tables.strings.get_str(offset).ok()
            }
            _ => None,
        }
    }

    /// The name of `die`, or of the declaration that it completes.
    pub(super) fn name(&self, die: &Die<'d>) -> Option<&'d [u8]> {
        let own = |die: &Die<'d>| {
            let name = self.string(die.place.unit, die.entry.attr_value(gimli::DW_AT_name)?)?;
            (!name.is_empty()).then(|| name.slice())
        };
        own(die).or_else(|| own(&self.die(self.target(die, gimli::DW_AT_specification)?).ok()?))
    }

    /// The entry that the attribute `name` of `die` refers to.
    pub(super) fn target(&self, die: &Die<'d>, name: DwAt) -> Option<Place> {
        let unit = self.units.get(die.place.unit)?;
        match die.entry.attr_value(name)? {
            AttributeValue::UnitRef(offset) => Some(Place { offset: offset.0, ..die.place }),
            AttributeValue::DebugInfoRef(offset) => self.at(unit.file, offset.0),
            AttributeValue::DebugInfoRefSup(offset) => self.at(1, offset.0),
            AttributeValue::DebugTypesRef(signature) => self.signatures.get(&signature.0).copied(),
            _ => None,
        }
    }

    /// The place of the entry at `offset` of the section .debug_info of `file`.
    fn at(&self, file: usize, offset: usize) -> Option<Place> {
        let start = |unit: &Unit<'d>| unit.header.debug_info_offset().map_or(usize::MAX, |offset| offset.0);
        // The units of a file stand together, and those of .debug_info first: sorted by this key.
        let key = |unit: &Unit<'d>| (unit.file, start(unit));
        let after = self.units.partition_point(|unit| key(unit) <= (file, offset));
        let index = after.checked_sub(1)?;
        let unit = self.units.get(index).filter(|unit| unit.file == file)?;
        let within = offset.checked_sub(start(unit))?;
        (within < unit.header.length_including_self()).then_some(Place { unit: index, offset: within })
    }
}

/// Where a walk begins; it keeps what its entries borrow.
pub(super) struct Walk<'u, 'd> {
    unit: &'u Unit<'d>,
    abbreviations: Rc<Abbreviations>,
    offset: Option<UnitOffset>,
}

impl<'d> Walk<'_, 'd> {
    /// The entries, from the beginning of the walk.
    pub(super) fn entries(&self) -> gimli::Result<Entries<'_, 'd>> {
        let raw = self.unit.header.entries_raw(&self.abbreviations, self.offset)?;
        Ok(Entries { walk: self, raw, above: 0 })
    }
}

/// Entries, one after the other.
pub(super) struct Entries<'w, 'd> {
    walk: &'w Walk<'w, 'd>,
    pub(super) raw: EntriesRaw<'w, Slice<'d>>,
    above: isize,
}

impl Entries<'_, '_> {
    /// How deep the next entry lies below the first.
    pub(super) fn depth(&self) -> isize {
        self.above.saturating_add(self.raw.next_depth())
    }

    /// Goes on at `offset`, which lies `depth` deep, if that is ahead.
    pub(super) fn jump(&mut self, offset: UnitOffset, depth: isize) {
        if offset.0 <= self.raw.next_offset().0 {
            return;
        }
        if let Ok(raw) = self.walk.unit.header.entries_raw(&self.walk.abbreviations, Some(offset)) {
            self.raw = raw;
            self.above = depth;
        }
    }
}
