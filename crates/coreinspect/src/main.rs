//! The command `coreinspect`.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut out = BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    let status = coreinspect::cli::run(std::env::args_os(), &mut out, &mut std::io::stderr());
    // What could not be written is told by run(); what is left here is an empty buffer or a closed pipe.
    let _ = out.flush();
    ExitCode::from(status)
}
