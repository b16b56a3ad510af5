//! A line of the prompt or of a script: words, and what they are piped into. What the words mean is the command line's
//! business.

use super::super::Failure;

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It is empty, or a comment.
    Nothing,
    /// `!COMMAND`: for sh.
    Shell(String),
    /// The words of a command, and the command of sh that reads what it prints.
    Words(Vec<String>, Option<String>),
}

impl Line {
    /// Takes `text` apart as sh does: blanks, quotes, backslashes, `| COMMAND`, `> FILE`, and `# ...`, a comment unless a
    /// digit follows: `#1` is a segment.
    ///
    /// # Errors
    /// A quote is not closed, or a pipe leads nowhere.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if let Some(command) = text.strip_prefix('!') {
            return match command.trim() {
                "" => Err(Failure::new("name the command to run: `!ls -l`")),
                command => Ok(Self::Shell(command.to_owned())),
            };
        }
        let (command, output) = cut(text);
        let words = shlex::split(&command).ok_or_else(|| Failure::new("a quote is not closed"))?;
        let pipe = match output {
            None => None,
            Some(_) if words.is_empty() => return Err(Failure::new("no command stands before the pipe")),
            Some(output) => Some(reader(&command, output)?),
        };
        Ok(if words.is_empty() { Self::Nothing } else { Self::Words(words, pipe) })
    }
}

/// The command of sh that reads what `command` prints, from `| READER` or `> FILE`.
fn reader(command: &str, output: &str) -> Result<String, Failure> {
    if let Some(reader) = output.strip_prefix('|') {
        return match reader.trim() {
            "" => Err(Failure::new("name the command to pipe into: `| less`")),
            reader => Ok(reader.to_owned()),
        };
    }
    let last = command.rsplit(char::is_whitespace).next().unwrap_or_default();
    if !last.is_empty() && last.chars().all(|char| char.is_ascii_digit() || char == '&') {
        return Err(Failure::new(format!("only standard output can be redirected, not {last}>")));
    }
    Ok(format!("cat {output}"))
}

/// The part of `text` before the first `|` or `>` that is not quoted, fit for shlex, which takes each `#` that begins a
/// word for a comment; and the rest.
pub(super) fn cut(text: &str) -> (String, Option<&str>) {
    let mut command = String::with_capacity(text.len());
    let (mut quote, mut escaped, mut word_begins) = (None, false, true);
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match (quote, char) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), _) if open == char => quote = None,
            (None, '\'' | '"') => quote = Some(char),
            (None, '|' | '>') => return (command, text.get(at..)),
            (None, '#') if word_begins => match chars.peek() {
                Some((_, next)) if next.is_ascii_digit() => command.push('\\'),
                _ => return (command, None),
            },
            _ => {}
        }
        word_begins = quote.is_none() && !escaped && matches!(char, ' ' | '\t' | '\n');
        command.push(char);
    }
    (command, None)
}

#[cfg(test)]
mod tests {
    use super::Line;

    fn words(words: &[&str], pipe: Option<&str>) -> Option<Line> {
        Some(Line::Words(words.iter().map(|&word| word.to_owned()).collect(), pipe.map(str::to_owned)))
    }

    #[test]
    fn lines_are_taken_apart_as_sh_does() {
        for (text, expected) in [
            ("", Some(Line::Nothing)),
            ("  # a comment | with > all", Some(Line::Nothing)),
            ("#2", words(&["#2"], None)),
            ("show #1 #12 # the rest", words(&["show", "#1", "#12"], None)),
            ("show '#1' \"#2\" \\#3 a#4", words(&["show", "#1", "#2", "#3", "a#4"], None)),
            ("show 'a|b' \"c > d\" e\\|f", words(&["show", "a|b", "c > d", "e|f"], None)),
            ("show \"a\\\"|b\"", words(&["show", "a\"|b"], None)),
            ("show ' #1 x' \\ #2", words(&["show", " #1 x", " #2"], None)),
            ("show #1 --json|jq '.a | .b' > c", words(&["show", "#1", "--json"], Some("jq '.a | .b' > c"))),
            ("show >a b", words(&["show"], Some("cat >a b"))),
            ("show #1>>a", words(&["show", "#1"], Some("cat >>a"))),
            ("show 2>a", None),
            ("show &>a", None),
            ("! ls | wc ", Some(Line::Shell("ls | wc".to_owned()))),
            ("!", None),
            ("show |", None),
            ("| less", None),
            ("show 'open", None),
            ("show \"open | less", None),
            ("show \\", None),
        ] {
            assert_eq!(Line::parse(text).ok(), expected, "{text}");
        }
    }
}
