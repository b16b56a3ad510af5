//! The program and its library, held against real dumps, their own contract, and hostile bytes.
// clippy.toml allows most of these in test functions, but not in what they call.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test says so by panicking"
)]

mod address_space;
mod allocations;
mod architecture;
mod bombs;
mod builder_check;
mod c_header;
mod collect;
mod command_line;
mod completions;
mod compressed;
mod contract;
mod core_builder;
mod core_writer;
mod decode;
mod diff_meaning;
mod document;
mod dump;
mod dumpers;
mod dwarf;
mod escapes;
mod expect;
mod extract;
mod fill;
mod first_words;
mod foreign;
mod fuzz_seeds;
mod handlers;
mod harmless;
mod held;
mod help;
mod honest;
mod huge;
mod key;
mod kinds;
mod layouts;
mod liars;
mod likely;
mod live;
mod locks;
mod look;
mod man;
mod many;
mod markdown;
mod memory;
mod minidump;
mod mutants;
mod new_files;
mod options;
mod page;
mod page_map;
mod pipeline;
mod places;
mod plugin;
mod program;
mod programs_corpus;
mod random;
mod readme;
mod refs;
mod restore;
mod running;
mod schema;
mod seeds;
mod sentences;
mod shared;
mod shell;
mod show;
mod shrink;
mod software;
mod stopped;
mod streams;
mod terminal;
mod testdata;
mod times;
mod tools;
mod truncations;
mod truth;
mod unnamed;
mod verbs;
mod writers;
mod wrong_files;
