//! Paths as text, parsed into steps.

/// Step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::paginate) enum Segment<'p> {
    Key(&'p str),
    Index(usize),
}

impl Segment<'_> {
    /// Returns whether the step leads to this key.
    pub(super) fn is_key(self, key: &str) -> bool {
        matches!(self, Self::Key(name) if name == key)
    }

    /// Returns the index of a list that the step leads to.
    pub(super) fn index(self) -> Option<usize> {
        match self {
            Self::Index(index) => Some(index),
            Self::Key(name) => name.parse().ok(),
        }
    }
}

/// Parsed path: its steps, each with the original text of the path from this step on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::paginate) struct Path<'p>(pub(super) Vec<(Segment<'p>, &'p str)>);

impl<'p> Path<'p> {
    /// Parses a path. Returns `None` if the text is not a path. The empty text is the path of the whole body.
    pub(in crate::paginate) fn parse(text: &'p str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut start = 0;
        if text.is_empty() {
            return Some(Self(steps));
        }
        for part in text.split('.') {
            let rest = &text[start..];
            start += part.len() + 1;
            let (name, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            // A part is a name with or without indices; the first part may consist of indices only.
            if !name.is_empty() {
                steps.push((Segment::Key(name), rest));
            } else if indices.is_empty() || !steps.is_empty() {
                return None;
            }
            while !indices.is_empty() {
                let (index, after) = indices.strip_prefix('[')?.split_once(']')?;
                steps.push((Segment::Index(index.parse().ok()?), ""));
                indices = after;
            }
        }
        Some(Self(steps))
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
