//! kernel.core_pattern and kernel.core_pipe_limit: what they are to be, what they were, and back.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Collect;
use crate::cli::{Context, Failure, Status, dumps};
use crate::collector::Store;
use crate::kind::Kinds;

/// Where crashes are stored unless somebody says otherwise.
pub(super) const FOLDER: &str = "/var/lib/coreinspect";

/// The file, in that folder, that remembers what was there before.
const PREVIOUS: &str = "previous-settings.json";

/// Bytes of core_pattern at most (fs/coredump.c, CORENAME_MAX_SIZE, with its NUL).
const LONGEST: usize = 127;

/// How many crashes are handled at once: the kernel keeps each process until its handler is done.
const AT_ONCE: &str = "16";

const PATTERN: &str = "core_pattern";
const LIMIT: &str = "core_pipe_limit";

/// Says what would be done, and does it with `--yes`.
pub(super) fn run(collect: &Collect, context: &mut Context<'_>) -> Result<Status, Failure> {
    let settings = Kernel(&collect.kernel);
    let memory = collect.how.output_dir.join(PREVIOUS);
    if collect.uninstall {
        settings.uninstall(collect, &memory, context)
    } else {
        settings.install(collect, &memory, context)
    }
}

/// The folder /proc/sys/kernel.
struct Kernel<'k>(&'k Path);

impl Kernel<'_> {
    fn get(&self, name: &str) -> Result<String, Failure> {
        let path = self.0.join(name);
        let text = fs::read_to_string(&path);
        let text = text.map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    fn set(&self, name: &str, value: &str) -> Result<(), Failure> {
        let path = self.0.join(name);
        fs::write(&path, value)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}; it takes root", path.display())))
    }

    fn install(
        &self,
        collect: &Collect,
        memory: &Path,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let (old, old_limit) = (self.get(PATTERN)?, self.get(LIMIT)?);
        let new = match &collect.listen {
            Some(path) => socket_pattern(path)?,
            None => pattern(collect, context)?,
        };
        if old == new {
            context.tell(format_args!("kernel.core_pattern is already set: {new}"));
            return Ok(Status::Found);
        }
        let limit = if old_limit == "0" { AT_ONCE } else { &old_limit };
        let folder = dumps::shown(&collect.how.output_dir);
        let mut say = |what: &str| writeln!(context.out, "{what}");
        say(&format!("folder                    {folder} (root's, mode 0755)"))?;
        say(&format!("remember in               {folder}/{PREVIOUS}"))?;
        say(&format!("  kernel.core_pattern     {old}"))?;
        say(&format!("  kernel.core_pipe_limit  {old_limit}"))?;
        say(&format!("kernel.core_pattern       {new}"))?;
        say(&format!("kernel.core_pipe_limit    {limit}"))?;
        say(
            "Until the next boot; to keep it, put the last two into /etc/sysctl.d/60-coreinspect.conf, as `NAME = VALUE`.",
        )?;
        if !collect.yes {
            say("Nothing is changed yet: --yes does it.")?;
            return Ok(Status::Found);
        }
        Store::open(&collect.how.output_dir).map_err(|error| Failure::new(error.to_string()))?;
        // What was there before us, not an earlier self.
        if !is_ours(&old) || !memory.exists() {
            remember(memory, &json!({ PATTERN: old, LIMIT: old_limit }))
                .map_err(|error| Failure::new(format!("cannot write {}: {error}", memory.display())))?;
        }
        // The limit first: without it the process may be gone before the handler has seen it.
        self.set(LIMIT, limit)?;
        self.set(PATTERN, &new)?;
        Ok(Status::Found)
    }

    fn uninstall(
        &self,
        collect: &Collect,
        memory: &Path,
        context: &mut Context<'_>,
    ) -> Result<Status, Failure> {
        let now = self.get(PATTERN)?;
        if !is_ours(&now) {
            let what = "this handler is not in it, so it stays as it is";
            return Err(Failure::new(format!("kernel.core_pattern is {now}: {what}")));
        }
        let text = fs::read_to_string(memory).map_err(|error| {
            Failure::new(format!(
                "its former value is unknown ({}: {error}); the kernel's own default is `sysctl -w kernel.core_pattern=core`",
                memory.display()
            ))
        })?;
        let known: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("{}: {error}", memory.display())))?;
        let known = |name: &str| {
            let value = known.get(name).and_then(Value::as_str);
            value.ok_or_else(|| Failure::new(format!("{} has no {name}", memory.display())))
        };
        let (pattern, limit) = (known(PATTERN)?, known(LIMIT)?);
        writeln!(context.out, "kernel.core_pattern     {pattern}\nkernel.core_pipe_limit  {limit}")?;
        if !collect.yes {
            writeln!(
                context.out,
                "Nothing is changed yet: --yes does it. Stored crashes stay where they are."
            )?;
            return Ok(Status::Found);
        }
        self.set(PATTERN, pattern)?;
        self.set(LIMIT, limit)?;
        let _ = fs::remove_file(memory);
        Ok(Status::Found)
    }
}

/// Whether `pattern` starts this handler, or is its socket.
fn is_ours(pattern: &str) -> bool {
    let program = pattern.strip_prefix('|').unwrap_or_default();
    program.split_once(" collect -").is_some() || pattern.starts_with('@') && pattern.contains("coreinspect")
}

fn remember(path: &Path, what: &Value) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{what}")?;
    file.sync_all()
}

fn socket_pattern(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| text.starts_with('/') && text.len() < LONGEST);
    let text = text.ok_or_else(|| Failure::new("the socket's path must be absolute and short"))?;
    if !text.contains("coreinspect") {
        return Err(Failure::new(
            "the socket's path must contain `coreinspect`, by which --uninstall recognises it",
        ));
    }
    Ok(format!("@{text}"))
}

/// The line that starts this very program, with the options that are not the default.
fn pattern(collect: &Collect, context: &mut Context<'_>) -> Result<String, Failure> {
    let program = std::env::current_exe().and_then(fs::canonicalize)?;
    match check_program(&program) {
        Err(failure) if !collect.yes => context.tell(format_args!("warning: {failure}")),
        checked => checked?,
    }
    let program = program.to_str().filter(|path| !path.contains([' ', '%']));
    let program = program.ok_or_else(|| {
        Failure::new(
            "the kernel splits core_pattern at blanks and expands %: put the program where its path has neither",
        )
    })?;
    let options = options(collect, &context.kinds)?;
    line(program, &options).ok_or_else(|| {
        Failure::new(format!(
            "the kernel takes {LONGEST} bytes of core_pattern, and {program} with these options needs more: use a shorter path, or fewer options"
        ))
    })
}

/// The line for `program` with `options`, as the kernel takes it.
fn line(program: &str, options: &str) -> Option<String> {
    let forms = [
        "--pid %P --tid %i --signal %s --time %t --dumpable %d --pidfd %F --comm %e",
        "-P%P -i%i -s%s -t%t -d%d -F %F -e %e",
        // The thread is in the core, the name is for the log alone.
        "-P%P -s%s -t%t -d%d -F %F",
    ];
    let lines = forms.map(|words| format!("|{program} collect {words}{options}"));
    lines.into_iter().find(|line| line.len() <= LONGEST)
}

fn options(collect: &Collect, kinds: &Kinds) -> Result<String, Failure> {
    use clap::{Args, FromArgMatches};
    let defaults = super::How::augment_args(clap::Command::new("collect"));
    let defaults = defaults.try_get_matches_from(["collect"]).ok();
    let defaults = defaults.and_then(|matches| super::How::from_arg_matches(&matches).ok());
    let defaults = defaults.ok_or_else(|| Failure::new("the defaults are unknown"))?;
    let how = &collect.how;
    let folder = how.output_dir.to_str().filter(|path| path.starts_with('/') && !path.contains([' ', '%']));
    let folder = folder.ok_or_else(|| Failure::new("--output-dir must be absolute, without blanks and %"))?;
    let mut words = String::new();
    let mut add = |differs: bool, word: String| {
        if differs {
            words.push(' ');
            words.push_str(&word);
        }
    };
    add(how.output_dir != defaults.output_dir, format!("--output-dir {folder}"));
    add(how.segments != defaults.segments, format!("--segments {}", which(how.segments)));
    add(!kinds.is_system_v_alone(), format!("--kind {}", kinds.words()));
    add(how.no_compress, "--no-compress".to_owned());
    add(how.max_core != defaults.max_core, format!("--max-core {}", how.max_core));
    add(how.max_use != defaults.max_use, format!("--max-use {}", how.max_use));
    add(how.max_number != defaults.max_number, format!("--max-number {}", how.max_number));
    add(how.keep_free != defaults.keep_free, format!("--keep-free {}", how.keep_free));
    add(how.timeout != defaults.timeout, format!("--timeout {}", how.timeout));
    add(how.no_core, "--no-core".to_owned());
    if !how.then.is_empty() {
        let then: Option<Vec<_>> = how.then.iter().map(|word| word.to_str()).collect();
        let then = then.filter(|words| words.iter().all(|word| !word.contains(' ')));
        let then = then.ok_or_else(|| {
            Failure::new("the kernel splits core_pattern at blanks, so --then cannot contain any")
        })?;
        add(true, format!("--then {}", then.join(" ")));
    }
    Ok(words)
}

pub(super) fn which(which: super::Which) -> String {
    use clap::ValueEnum;
    which.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Whoever could replace what the kernel starts as root would be root.
fn check_program(program: &Path) -> Result<(), Failure> {
    for path in program.ancestors() {
        let data = fs::metadata(path)?;
        let sticky =
            data.is_dir() && data.mode() & 0o1000 != 0 && path != program.parent().unwrap_or(program);
        if data.uid() != 0 || data.mode() & 0o022 != 0 && !sticky {
            let path = PathBuf::from(path);
            let what = "whoever can write there would be root at the next crash";
            return Err(Failure::new(format!(
                "others than root can write to {}: {what}",
                dumps::shown(&path)
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn there_is_room_for_systemd_coredump() {
        let then = " --no-core --then /usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h";
        assert!(line("/usr/bin/coreinspect", then).is_some());
        assert_eq!(line("/usr/local/bin/coreinspect", &then.repeat(2)), None);
        assert!(line("/usr/bin/coreinspect", "").unwrap().ends_with("--pidfd %F --comm %e"));
    }
}
