//! Segments of real programs, dumped for real: what coreinspect decodes is what the program itself says.

mod gpsd;
mod headers;
mod hostile;
mod ntp;
mod php;
mod postgresql;
mod running;
