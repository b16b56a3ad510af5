//! A struct of a header, as the layout that a user asked for.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Layout, Origin, Subject, Verdict};
use crate::notation::c_header::{ANY, Header, Problem};
use crate::types::Type;

/// A type of a header. It recognises nothing: whoever names it says what the bytes are.
#[derive(Clone, Debug)]
pub struct HeaderLayout {
    header: Header,
    path: PathBuf,
    name: String,
}

impl HeaderLayout {
    /// The type that the header at `path` calls `name`, such as `struct queue`; without a name its only struct.
    ///
    /// # Errors
    /// The header defines no such type, or several and none was named.
    pub fn new(header: Header, path: PathBuf, name: Option<&str>) -> Result<Self, Problem> {
        let name = match (name, header.only()) {
            (Some(name), _) | (None, Some(name)) => name.trim().to_owned(),
            (None, None) => {
                let (path, names) = (path.to_string_lossy(), header.names());
                let example = names.first().map_or("struct queue", String::as_str);
                let problem = Problem::of_file(&path, "name one of its structs");
                let some = names.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
                return Err(problem.help(match names.len() {
                    0 => "it defines none".to_owned(),
                    1..=20 => format!("--layout '{path}:{example}'; it defines {some}"),
                    count => format!("--layout '{path}:{example}'; it defines {count} types: {some}, ..."),
                }));
            }
        };
        // What is wrong with it is told before a dump is opened.
        header.type_of(&name, ANY)?;
        Ok(Self { header, path, name })
    }

    /// What of the header did not count, in words.
    pub fn notes(&self) -> &[String] {
        self.header.notes()
    }
}

impl Layout for HeaderLayout {
    fn name(&self) -> Cow<'_, str> {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!("{file}:{}", self.name).into()
    }

    fn about(&self) -> Cow<'_, str> {
        format!("{} of a C header, placed as the dump's machine does", self.name).into()
    }

    fn origin(&self) -> Origin {
        Origin::File(self.path.clone())
    }

    fn recognise(&self, _: &Subject<'_>) -> Verdict {
        Verdict::No
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let kind = self.header.type_of(&self.name, subject.machine);
        kind.map(Arc::new).map_err(|problem| problem.to_string())
    }
}
