//! What is looked up beside the dump, by paths: the one room right of `source` that opens files.

pub mod key_search;
