//! Which type a segment's bytes have, and who says so.

use std::sync::Arc;

use super::{BUILTIN, Confidence, Layout, Subject, choose};
use crate::types::Type;

/// A type, and the layout that says so.
#[derive(Clone, Debug)]
pub struct Described {
    /// The layout's name.
    pub layout: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// The type.
    pub kind: Arc<Type>,
}

impl Described {
    /// The type by the layout `named`, or else by the surest of `layouts` and the built-in ones; `None` if none finds the
    /// bytes likely.
    ///
    /// # Errors
    /// Why a layout that fits, or is named, has no type.
    pub fn of(
        subject: &Subject<'_>,
        named: Option<&dyn Layout>,
        layouts: &[Arc<dyn Layout>],
    ) -> Result<Option<Self>, String> {
        let (layout, confidence) = match named {
            Some(layout) => (layout, Confidence::Forced),
            None => {
                let known = layouts.iter().map(Arc::as_ref).chain(BUILTIN.iter().copied());
                let Some((layout, verdict)) = choose(known, subject).best else { return Ok(None) };
                (layout, verdict.confidence())
            }
        };
        let kind = layout.describe(subject)?;
        Ok(Some(Self { layout: layout.name().into_owned(), confidence, kind }))
    }
}
