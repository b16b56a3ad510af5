//! Frames of a stack.

/// What is known of the frame that holds a place of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The function, demangled.
    pub function: Option<String>,
    /// The source file of the place that it was at.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
}
