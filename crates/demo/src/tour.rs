//! `demo tour`: that of coreinspect, for whoever has the sources and no binary.

use std::ffi::OsString;
use std::io::Write;

use crate::{Outcome, Result, Run};

/// Start a writer, dump it, inspect the dump, and explain what is seen: `coreinspect tour`
#[derive(clap::Args)]
pub(crate) struct Tour {
    /// Options of `coreinspect tour`
    #[arg(value_name = "OPTION", trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

impl Run for Tour {
    fn run(self, out: &mut dyn Write) -> Result<Outcome> {
        let words = ["coreinspect".into(), "tour".into()].into_iter().chain(self.options);
        match coreinspect::cli::run(words, out, &mut std::io::stderr()) {
            0 => Ok(Outcome::Done),
            status => Ok(Outcome::Failed(status)),
        }
    }
}
