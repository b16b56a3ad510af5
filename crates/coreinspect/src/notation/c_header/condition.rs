//! `#if` (ISO C11 6.10.1).

use super::parser::Parser;
use super::preprocess::Preprocessor;
use super::problem::Problem;
use super::token::{Kind, Token};

/// What to tell of lines that are left out because `name` is not defined; nothing for what the compiler or a header's
/// own guard would define.
pub(super) fn worth_telling(name: &str) -> Option<String> {
    let known = name.starts_with('_') || ["_H", "_INCLUDED", "HAVE_"].iter().any(|part| name.contains(part));
    (!known).then(|| format!("{name} is not defined"))
}

/// Whether a condition holds, and what to tell if it does not.
pub(super) fn holds(
    condition: &[Token],
    preprocessor: &mut Preprocessor<'_>,
) -> Result<(bool, Option<String>), Problem> {
    let mut because = None;
    let number = |token: &Token, value: bool| Token {
        kind: Kind::Number,
        text: if value { "1".into() } else { "0".into() },
        ..token.clone()
    };
    let mut tokens = Vec::new();
    let mut left = condition;
    while let Some((token, after)) = left.split_first() {
        left = after;
        if token.is("defined") {
            let (name, after) = match after {
                [open, name, close, after @ ..] if open.is("(") && close.is(")") => (name, after),
                [name, after @ ..] => (name, after),
                [] => return Err(preprocessor.sources.problem(token.place, "expected the name of a macro")),
            };
            let defined = preprocessor.macros.is_defined(&name.text);
            if !defined {
                because = because.or_else(|| worth_telling(&name.text));
            }
            tokens.push(number(token, defined));
            left = after;
        } else if token.text.starts_with("__has_") && !preprocessor.macros.is_defined(&token.text) {
            // __has_include(<x.h>), __has_attribute(x): not here.
            let close = after.iter().position(|token| token.is(")")).map_or(0, |at| at.saturating_add(1));
            left = after.get(close..).unwrap_or_default();
            tokens.push(number(token, false));
        } else {
            tokens.push(token.clone());
        }
    }
    let mut tokens = preprocessor.macros.expand(&tokens, &mut preprocessor.texts, preprocessor.sources)?;
    for token in &mut tokens {
        if token.kind == Kind::Identifier {
            because = because.or_else(|| worth_telling(&token.text));
            let value = token.is("true");
            *token = number(token, value);
        }
    }
    let mut parser = Parser::of_condition(tokens, preprocessor.abi, preprocessor.sources);
    let value = parser
        .whole_condition()
        .map_err(|problem| problem.help("have a compiler decide: gcc -E HEADER > flat.h"))?;
    Ok((value != 0, because))
}
