//! Where an address leads: `symbol+offset` in a program or library of the process.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::path::PathBuf;

use object::SymbolKind;
use object::read::{Object, ObjectSegment, ObjectSymbol, ObjectSymbolTable, SymbolIndex};

use super::debug_folders::DebugFolders;
use super::elf_file::ElfFile;
use super::programs::{self, Program};
use crate::position::{Address, Position};
use crate::targets::Target;

/// Letters of a name: a template's may have no end.
const LENGTH: usize = 512;
/// Types within types of a name that are written out.
const DEPTH: u32 = 64;
/// Symbols before an address that are looked at.
const LOOKED_AT: usize = 64;

/// An address, as a program's symbols name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The symbol, demangled.
    pub name: String,
    /// Bytes behind its start.
    pub offset: u64,
    /// The program or library.
    pub file: PathBuf,
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            0 => f.write_str(&self.name),
            offset => write!(f, "{}+{offset}", self.name),
        }
    }
}

/// The symbols of a target's programs, each read when an address leads there. Only files of the build that the dump
/// shows are asked.
#[derive(Debug)]
pub struct Symbols {
    programs: Vec<Program>,
    folders: DebugFolders,
    tables: RefCell<HashMap<usize, Option<Table>>>,
}

impl Symbols {
    /// The programs of `target`.
    pub fn of(target: &dyn Target, folders: DebugFolders) -> Self {
        let mut programs = programs::mapped(target);
        programs.sort_by_key(|program| program.start);
        Self { programs, folders, tables: RefCell::default() }
    }

    /// What stands at `address`; `None` if no symbol covers it, or the file is not there.
    pub fn at(&self, address: Address) -> Option<Symbol> {
        let index = self.programs.partition_point(|program| program.start <= address).checked_sub(1)?;
        let program = self.programs.get(index)?;
        let mut tables = self.tables.borrow_mut();
        let table = tables.entry(index).or_insert_with(|| Table::read(program, &self.folders));
        let (name, offset) = table.as_ref()?.at(address.offset_from(program.start)?)?;
        Some(Symbol { name, offset, file: program.path().to_owned() })
    }
}

/// The symbols of one file, by address.
#[derive(Debug)]
struct Table {
    file: ElfFile,
    /// The address of the file's first byte, as the linker counts.
    first: u64,
    /// Addresses from which to which it is loaded.
    loaded: Vec<(u64, u64)>,
    symbols: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    address: u64,
    size: u64,
    /// Global before weak before local; of a table of its own, dynamic or not.
    rank: u8,
    dynamic: bool,
    index: SymbolIndex,
}

impl Table {
    fn read(program: &Program, folders: &DebugFolders) -> Option<Self> {
        let mut file = program.open(folders).ok()?;
        // A stripped program has the names that it exports; its debug file has all.
        if file.object().ok()?.symbols().next().is_none()
            && let Ok(separate) = folders.separate(&file)
        {
            file = separate;
        }
        let object = file.object().ok()?;
        let loaded: Vec<_> = object
            .segments()
            .map(|segment| (segment.address(), segment.address().saturating_add(segment.size())))
            .collect();
        let align = object.segments().map(|segment| segment.align()).max().unwrap_or(1).max(1);
        let first = loaded.iter().map(|(start, _)| *start).min()?;
        let first = first.checked_sub(first.checked_rem(align)?)?;
        let mut symbols = Vec::new();
        let mut add = |symbol: &object::Symbol<'_, '_>, dynamic| {
            let named = matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown);
            if named && symbol.is_definition() && symbol.address() > 0 {
                let rank = if symbol.is_local() { 2 } else { u8::from(symbol.is_weak()) };
                let (address, size, index) = (symbol.address(), symbol.size(), symbol.index());
                symbols.push(Entry { address, size, rank, dynamic, index });
            }
        };
        object.symbols().for_each(|symbol| add(&symbol, false));
        object.dynamic_symbols().for_each(|symbol| add(&symbol, true));
        // The last of one address is the best.
        symbols.sort_by_key(|entry| {
            (entry.address, entry.size > 0, std::cmp::Reverse((entry.rank, entry.dynamic)))
        });
        Some(Self { first, loaded, symbols, file })
    }

    /// The name of what stands `offset` bytes behind the file's first one, and how far behind its start.
    fn at(&self, offset: u64) -> Option<(String, u64)> {
        let address = self.first.checked_add(offset)?;
        if !self.loaded.iter().any(|(start, end)| (*start..*end).contains(&address)) {
            return None;
        }
        let before = self.symbols.partition_point(|entry| entry.address <= address);
        let mut without_size = None;
        for entry in self.symbols.get(..before)?.iter().rev().take(LOOKED_AT) {
            let behind = address.checked_sub(entry.address)?;
            if behind < entry.size {
                return Some((self.name(entry)?, behind));
            }
            if entry.size == 0 && without_size.is_none() {
                without_size = Some((entry, behind));
            } else if entry.size > 0 {
                break;
            }
        }
        let (entry, behind) = without_size?;
        Some((self.name(entry)?, behind))
    }

    fn name(&self, entry: &Entry) -> Option<String> {
        let object = self.file.object().ok()?;
        let table = if entry.dynamic { object.dynamic_symbol_table()? } else { object.symbol_table()? };
        let symbol = table.symbol_by_index(entry.index).ok()?;
        let name = String::from_utf8_lossy(symbol.name_bytes().ok()?).into_owned();
        (!name.is_empty()).then(|| demangled(&name))
    }
}

/// The name as its language writes it; as it is where that cannot be told, or has no end.
pub fn demangled(name: &str) -> String {
    if let Some(text) = as_written(name) {
        return text;
    }
    let end = (0..=LENGTH.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    name.get(..end).unwrap_or(name).to_owned()
}

#[cfg(not(feature = "demangle"))]
fn as_written(_: &str) -> Option<String> {
    None
}

/// The name of a symbol of Rust or C++ as the program's text has it.
#[cfg(feature = "demangle")]
fn as_written(name: &str) -> Option<String> {
    let mut text = Bounded(String::new());
    let bounded = name.len() <= 4 * LENGTH;
    let written = match rustc_demangle::try_demangle(name) {
        Ok(rust) => bounded && write!(text, "{rust:#}").is_ok(),
        Err(_) if bounded && name.starts_with("_Z") => {
            let options = cpp_demangle::ParseOptions::default().recursion_limit(DEPTH);
            let symbol = cpp_demangle::BorrowedSymbol::new_with_options(name.as_bytes(), &options);
            let options = cpp_demangle::DemangleOptions::default().recursion_limit(DEPTH);
            symbol.is_ok_and(|symbol| symbol.structured_demangle(&mut text, &options).is_ok())
        }
        Err(_) => false,
    };
    written.then_some(text.0)
}

/// Text that refuses to grow without end.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len().saturating_add(text.len()) > LENGTH {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}
