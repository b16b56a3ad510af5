//! The layouts that are known, what one of them says, and whether a layout file is in order.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::layout_argument::{self, LayoutFlags};
use super::{Context, Execute, Failure, Status};
use crate::debug_files::layout_files::{LayoutFile, cannot_read};
use crate::layout::Subject;
use crate::machine::Machine;
use crate::report::{CheckedFile, LayoutCheck, LayoutDefinition, Layouts, SCHEMA};

/// Lists the known layouts and what each recognises; shows one; checks layout files.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(long_about = ABOUT)]
pub(super) struct LayoutsCommand {
    #[command(subcommand)]
    action: Option<Action>,
    /// Short for `layouts show LAYOUT`.
    #[arg(value_name = "LAYOUT")]
    layout: Option<String>,
    /// List the layouts of this file too.
    #[arg(long, value_name = "FILE")]
    layout_file: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Shows the fields of a layout, with their offsets and sizes on this machine.
    Show {
        /// What --layout takes: a name, a type ('u8 flag; cstr message'), FILE.layout:NAME.
        #[arg(value_name = "LAYOUT")]
        layout: String,
        /// Try the layouts of this file too.
        #[arg(long, value_name = "FILE")]
        layout_file: Vec<PathBuf>,
        /// The program or library whose debug information has the types.
        #[arg(long, value_name = "PROGRAM")]
        types: Option<PathBuf>,
    },
    /// Says what is wrong with layout files, and what the layouts in them say.
    Check {
        /// The files: NAME.layout or NAME.toml.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

const ABOUT: &str = "\
Lists the known layouts and what each recognises; shows one; checks layout files.

You write a layout as in C, with a few words more:

  u8 flag { 0=empty 1=ready 2=read }; cstr message
  u32 magic = 0x4a4f4253; u32 count; struct { u64 id; time_t since; } jobs[count]
  u8 kind; switch (kind) { case 1: u32 number; default: bytes raw[8]; }

Fields stand where C puts them; `packed;` first switches that off. Types: C's own, u8 to u128, i8 to i128, f32, f64, \
char name[16], cstr and text (up to their NUL), bytes raw[16], T *pointer, enum, flags, struct, union. Before a type: be, \
le, hex, time_s, time_ms, time_us, time_ns. Counts and conditions can use earlier fields: item list[count], item all[], \
if (version >= 3) u32 extra. Places: @0x40 u32 x, pad 3, align 8, size 64. Rules: check count == valid \
\"torn write\". The whole grammar: coreinspect-layout(5).

A file NAME.layout holds such a text, headed by lines `//! name: queue`, `//! about: ...`, `//! keys: 0x510000??`; \
NAME.toml says the same in TOML. Both are read from ~/.config/coreinspect/layouts ($XDG_CONFIG_HOME), \
/etc/coreinspect/layouts and /usr/share/coreinspect/layouts, and from --layout-file.";

impl Execute for LayoutsCommand {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        match (self.action, self.layout) {
            (None, Some(layout)) => show(&LayoutFlags::of(layout, self.layout_file, None), context),
            (None, None) => list(&self.layout_file, context),
            (Some(Action::Show { layout, layout_file, types }), _) => {
                show(&LayoutFlags::of(layout, layout_file, types), context)
            }
            (Some(Action::Check { files }), _) => check(&files, context),
        }
    }
}

fn list(named: &[PathBuf], context: &mut Context<'_>) -> Result<Status, Failure> {
    let files = layout_argument::read_files(named, context)?;
    let report = Layouts::of(layout_argument::all(&files));
    context.print(&report)?;
    Ok(Status::Found)
}

fn show(flags: &LayoutFlags, context: &mut Context<'_>) -> Result<Status, Failure> {
    let chosen = flags.chosen(context)?;
    let Some(layout) = chosen.layout else { return Err(Failure::new("name a layout")) };
    let nothing: &[u8] = &[];
    let budget = crate::types::Budget::unlimited();
    let subject = Subject::new(&nothing, None, Machine::HOST, None, &budget);
    let kind = layout.describe(&subject).map_err(Failure::new)?;
    let definition = LayoutDefinition::of(layout.as_ref(), &kind, Machine::HOST);
    context.print(&definition)?;
    Ok(Status::Found)
}

fn check(files: &[PathBuf], context: &mut Context<'_>) -> Result<Status, Failure> {
    let mut report = LayoutCheck { schema: SCHEMA, files: Vec::new() };
    let mut status = Status::Found;
    for path in files {
        let checked = match LayoutFile::read(path) {
            Ok(file) => {
                for problem in &file.contents.problems {
                    context.tell_screen(&file.tell(path, problem));
                }
                CheckedFile::of(path, &file.text, &file.contents.layouts, &file.contents.problems)
            }
            Err(error) => {
                let error = cannot_read(path, &error);
                context.tell(&error);
                CheckedFile::unreadable(path, error)
            }
        };
        if checked.error.is_some() || !checked.problems.is_empty() {
            status = Status::Failed;
        }
        report.files.push(checked);
    }
    context.print(&report)?;
    Ok(status)
}
