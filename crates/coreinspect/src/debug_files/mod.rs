//! What is looked up beside the dump, by paths: the one room right of `source` that opens files.

pub(crate) mod c_header;
mod debug_folders;
pub(crate) mod debug_information;
pub(crate) mod dwarf;
mod elf_file;
#[cfg(feature = "cli")]
pub(crate) mod key_search;
#[cfg(feature = "cli")]
pub(crate) mod known_paths;
pub(crate) mod named_program;
pub(crate) mod programs;
pub(crate) mod symbols;

pub use debug_folders::DebugFolders;
pub use elf_file::ElfFile;
pub(crate) mod layout_files;
