//! Macros and their expansion (ISO C11 6.10.3).

use std::collections::HashMap;
use std::rc::Rc;

use super::problem::{Problem, Sources};
use super::token::{Kind, Texts, Token};

/// Tokens that expansion may handle: a hostile header can ask for 2^64.
const WORK: u64 = 1_000_000;
/// Bytes of a text that `#` or `##` makes which count as one token: they are kept, and copied each time.
const MADE: usize = 16;
/// Macros within macros, and within arguments of macros.
const DEPTH: u32 = 100;
/// Tokens of the arguments of one call.
const ARGUMENTS: usize = 10_000;

/// What a name stands for.
#[derive(Clone, Debug)]
struct Macro {
    /// Its parameters; `None` if it takes none, not even `()`.
    parameters: Option<Vec<Rc<str>>>,
    /// Whether the last parameter takes all arguments that are left.
    variadic: bool,
    body: Rc<[Token]>,
}

/// The macros that are defined.
#[derive(Debug)]
pub(super) struct Macros {
    known: HashMap<Rc<str>, Macro>,
    work: u64,
}

impl Default for Macros {
    fn default() -> Self {
        Self { known: HashMap::new(), work: WORK }
    }
}

impl Macros {
    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    pub(super) fn undefine(&mut self, name: &str) {
        self.known.remove(name);
    }

    /// `#define` followed by `tokens`.
    pub(super) fn define(
        &mut self,
        tokens: &[Token],
        sources: &Sources,
        hash: &Token,
    ) -> Result<(), Problem> {
        let Some((name, rest)) = tokens.split_first().filter(|(name, _)| name.kind == Kind::Identifier)
        else {
            let place = tokens.first().map_or(hash.place, |token| token.place);
            return Err(sources.problem(place, "expected the name of a macro"));
        };
        let (mut parameters, mut variadic, mut body) = (None, false, rest);
        if let Some((open, mut left)) = rest.split_first().filter(|(open, _)| open.is("(") && open.adjoins) {
            let mut names = Vec::new();
            let mut after_name = false;
            loop {
                let Some((token, after)) = left.split_first() else {
                    return Err(sources.problem(open.place, "this list of parameters does not end"));
                };
                left = after;
                match token.kind {
                    _ if token.is(")") => break,
                    _ if token.is(",") => {}
                    _ if token.is("...") => {
                        // GNU C may name the rest, `args...`; else it is __VA_ARGS__.
                        if !after_name {
                            names.push("__VA_ARGS__".into());
                        }
                        variadic = true;
                    }
                    Kind::Identifier => names.push(token.text.clone()),
                    _ => return Err(sources.problem(token.place, "expected the name of a parameter")),
                }
                after_name = token.kind == Kind::Identifier;
            }
            parameters = Some(names);
            body = left;
        }
        let known = Macro { parameters, variadic, body: body.into() };
        self.known.insert(name.text.clone(), known);
        Ok(())
    }

    /// `tokens` with every macro in them expanded.
    pub(super) fn expand(
        &mut self,
        tokens: &[Token],
        texts: &mut Texts,
        sources: &Sources,
    ) -> Result<Vec<Token>, Problem> {
        let mut output = Vec::with_capacity(tokens.len());
        let mut expansion = Expansion { macros: self, texts, sources, active: Vec::new(), depth: 0 };
        expansion.run(tokens, &mut output)?;
        Ok(output)
    }
}

struct Expansion<'a> {
    macros: &'a mut Macros,
    texts: &'a mut Texts,
    sources: &'a Sources,
    /// The macros whose bodies are being expanded: they do not expand again.
    active: Vec<Rc<str>>,
    depth: u32,
}

impl Expansion<'_> {
    fn run(&mut self, tokens: &[Token], output: &mut Vec<Token>) -> Result<(), Problem> {
        if self.depth >= DEPTH {
            let place = tokens.first().map(|token| token.place).unwrap_or_default();
            return Err(self.sources.problem(place, "macros are nested more than 100 deep"));
        }
        self.depth = self.depth.saturating_add(1);
        let mut left = tokens;
        while let Some((token, after)) = left.split_first() {
            left = after;
            self.spend(1, token)?;
            let known = (token.kind == Kind::Identifier && !token.painted)
                .then(|| self.macros.known.get(&token.text))
                .flatten();
            let Some(known) = known else {
                output.push(token.clone());
                continue;
            };
            if self.active.contains(&token.text) {
                output.push(Token { painted: true, ..token.clone() });
                continue;
            }
            let known = known.clone();
            let arguments = match &known.parameters {
                None => Vec::new(),
                Some(_) => {
                    let found = arguments(left);
                    let after = found.as_ref().map_or(left, |(_, after)| *after);
                    let looked_at = match left.first().is_some_and(|open| open.is("(")) {
                        true if found.is_none() => left.len().min(ARGUMENTS),
                        _ => left.len().saturating_sub(after.len()),
                    };
                    self.spend(looked_at, token)?;
                    left = after;
                    let Some((arguments, _)) = found else {
                        // Without arguments a macro that takes some is a name like any other.
                        output.push(token.clone());
                        continue;
                    };
                    arguments
                }
            };
            let body = self.substitute(&known, &arguments, token)?;
            self.active.push(token.text.clone());
            self.run(&body, output)?;
            self.active.pop();
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn spend(&mut self, tokens: usize, token: &Token) -> Result<(), Problem> {
        self.macros.work = self.macros.work.checked_sub(tokens as u64).ok_or_else(|| {
            self.sources
                .problem(token.place, "the macros of this header expand to more than a million tokens")
        })?;
        Ok(())
    }

    /// The body with arguments in place of parameters; its tokens stand where the macro was called.
    fn substitute(
        &mut self,
        known: &Macro,
        arguments: &[&[Token]],
        call: &Token,
    ) -> Result<Vec<Token>, Problem> {
        let names = known.parameters.as_deref().unwrap_or_default();
        let argument = |name: &Token| {
            let index =
                names.iter().position(|known| name.kind == Kind::Identifier && *known == name.text)?;
            if known.variadic && index.checked_add(1) == Some(names.len()) {
                return Some(arguments.get(index..).unwrap_or_default().join(&comma(call)[..]));
            }
            Some(arguments.get(index).map(|argument| argument.to_vec()).unwrap_or_default())
        };
        let mut body: Vec<Token> = Vec::new();
        let mut pasting = false;
        let mut left = known.body.iter().peekable();
        while let Some(token) = left.next() {
            self.spend(1, call)?;
            if token.is("##") {
                pasting = true;
                continue;
            }
            let next_pastes = left.peek().is_some_and(|next| next.is("##"));
            let mut replaced = match (token.is("#") && known.parameters.is_some(), argument(token)) {
                (true, _) if left.peek().is_some_and(|next| argument(next).is_some()) => {
                    let raw = left.next().and_then(argument).unwrap_or_default();
                    let text: Vec<&str> = raw.iter().map(|token| &*token.text).collect();
                    let length = text.iter().fold(0_usize, |sum, text| sum.saturating_add(text.len()));
                    self.spend(length / MADE, call)?;
                    vec![Token {
                        kind: Kind::String,
                        text: self.texts.get(&format!("\"{}\"", text.join(" ").replace('"', "'"))),
                        ..token.clone()
                    }]
                }
                (_, Some(raw)) if pasting || next_pastes => raw,
                (_, Some(raw)) => {
                    let mut expanded = Vec::new();
                    self.run(&raw, &mut expanded)?;
                    expanded
                }
                (_, None) => vec![token.clone()],
            };
            if std::mem::take(&mut pasting)
                && let (Some(one), false) = (body.last_mut(), replaced.is_empty())
            {
                let other = replaced.remove(0);
                self.spend(one.text.len().saturating_add(other.text.len()) / MADE, call)?;
                one.text = self.texts.get(&format!("{}{}", one.text, other.text));
                if one.text.len() > 4096 {
                    return Err(self.sources.problem(call.place, "## makes a name of more than 4096 bytes"));
                }
            }
            for mut token in replaced {
                self.spend(1, call)?;
                token.place = call.place;
                body.push(token);
            }
        }
        Ok(body)
    }
}

fn comma(call: &Token) -> [Token; 1] {
    [Token { kind: Kind::Punctuator, text: ",".into(), ..call.clone() }]
}

/// The arguments in the brackets with which `tokens` begin, and what stands behind them.
fn arguments(tokens: &[Token]) -> Option<(Vec<&[Token]>, &[Token])> {
    let inside = tokens.split_first().filter(|(open, _)| open.is("("))?.1;
    let (mut depth, mut start, mut found) = (0_u32, 0, Vec::new());
    for (at, token) in inside.iter().enumerate().take(ARGUMENTS) {
        match &*token.text {
            _ if token.kind != Kind::Punctuator => {}
            "(" => depth = depth.checked_add(1)?,
            "," if depth == 0 => {
                found.push(inside.get(start..at)?);
                start = at.checked_add(1)?;
            }
            ")" if depth == 0 => {
                found.push(inside.get(start..at)?);
                return Some((found, inside.get(at.checked_add(1)?..)?));
            }
            ")" => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}
