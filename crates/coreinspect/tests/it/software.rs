//! Segments of real programs, dumped for real: what coreinspect decodes is what the program itself says.

mod php;
mod running;
