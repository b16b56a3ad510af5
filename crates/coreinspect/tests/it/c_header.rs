//! Types from C headers, held against what gcc makes of the same text.

mod errors;
mod generated;
mod generator;
mod gnu_c;
mod hostile;
mod written;
