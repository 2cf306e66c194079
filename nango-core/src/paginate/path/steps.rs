//! Paths as text, parsed into steps.

use nango_grammar::json_path;
pub(in crate::paginate) use nango_grammar::json_path::Segment;

/// Returns the index of a list that a step leads to.
pub(super) fn index(step: Segment<'_>) -> Option<usize> {
    match step {
        Segment::Index(index) => Some(index),
        Segment::Key(name) => name.parse().ok(),
    }
}

/// Parsed path: its steps, each with the original text of the path from this step on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::paginate) struct Path<'p>(pub(super) Vec<(Segment<'p>, &'p str)>);

impl<'p> Path<'p> {
    /// Parses a path. Returns `None` if the text is not a path. The empty text is the path of the whole body.
    pub(in crate::paginate) fn parse(text: &'p str) -> Option<Self> {
        json_path::parse(text).map(Self)
    }

    /// Returns the path of a key at the top level, without a meaning of its characters.
    pub(in crate::paginate) fn key(name: &'p str) -> Self {
        Self(vec![(Segment::Key(name), name)])
    }

    /// Returns the number of steps.
    pub(in crate::paginate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether it is the path of the whole body.
    pub(in crate::paginate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path of the first `length` steps.
    pub(in crate::paginate) fn prefix(&self, length: usize) -> Self {
        Self(self.0[..length].iter().map(|(step, _)| (*step, "")).collect())
    }

    /// Formats the first `length` steps for messages.
    pub(in crate::paginate) fn written(&self, length: usize) -> String {
        let mut text = String::new();
        for (step, _) in &self.0[..length] {
            match step {
                Segment::Index(index) => text.extend(["[", &index.to_string(), "]"]),
                Segment::Key(name) if text.is_empty() => text.push_str(name),
                Segment::Key(name) => text.extend([".", name]),
            }
        }
        text
    }
}
