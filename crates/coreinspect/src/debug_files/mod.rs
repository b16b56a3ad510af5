//! What is looked up beside the dump, by paths: the one room right of `source` that opens files.

pub mod c_header;
mod debug_folders;
pub mod debug_information;
pub mod dwarf;
mod elf_file;
#[cfg(feature = "cli")]
pub mod key_search;
#[cfg(feature = "cli")]
pub mod known_paths;
pub mod named_program;
pub mod programs;
pub mod symbols;

pub use debug_folders::DebugFolders;
pub use elf_file::{ElfFile, Section};
pub mod layout_files;
