//! Parents of a mapper as `registry describe` shows them.

use serde::Serialize;

use crate::{
    cli::{CommandError, Terminal},
    declare::{Each, OnParentError, ParentSource},
};

/// Parents whose lists a mapper walks.
#[derive(Debug, Serialize)]
pub(super) struct Parents {
    /// Model of the parents; `None` if they are elements of a list in the metadata.
    model: Option<&'static str>,
    /// Variant of the parents' records; `None` for the base variant.
    variant: Option<&'static str>,
    /// Path of the list in the metadata; `None` if the parents are records.
    list: Option<&'static str>,
    /// Number of parents whose lists are walked at the same time.
    at_once: usize,
    /// `standard`, `fail` or `skip`.
    on_error: &'static str,
}

impl Parents {
    pub(super) fn of(each: &Each) -> Self {
        let (model, variant, list) = match each.parents {
            ParentSource::Model { model, variant, .. } => (Some(model.name), variant, None),
            ParentSource::Metadata { path, .. } => (None, None, Some(path)),
        };
        let on_error = match each.on_error {
            OnParentError::Standard => "standard",
            OnParentError::Fail => "fail",
            OnParentError::Skip => "skip",
        };
        Self { model, variant, list, at_once: each.at_once, on_error }
    }

    pub(super) fn print(&self, terminal: &mut Terminal) -> Result<(), CommandError> {
        let source = match (self.model, self.list) {
            (Some(model), _) => {
                let variant = self.variant.map_or_else(String::new, |variant| format!(", variant `{variant}`"));
                format!("records of `{model}`{variant}")
            }
            (None, list) => format!("elements of `{}`", list.unwrap_or_default()),
        };
        terminal.line(format_args!("parents   one list for each of the {source}; {} at once", self.at_once))?;
        terminal.line(match self.on_error {
            "fail" => "skipped   no parent: an error about its list fails the run",
            "skip" => "skipped   a parent whose list cannot be read",
            _ => "skipped   a parent whose list has status 403, 404 or 410, or a declared error that is not fatal",
        })
    }
}
