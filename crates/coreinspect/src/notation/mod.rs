//! Ways to write a [`Type`](crate::types::Type): a line of text, a C header. The debug information of a program is a
//! third one, in [`debug_files`](crate::debug_files), because it is read from files.

pub(crate) mod c_header;
pub(crate) mod inline;
pub(crate) mod problem;
