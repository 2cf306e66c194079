//! Positions of incremental feeds as `registry describe` shows them.

use serde::Serialize;

use crate::declare::{Delta, DeltaPosition};

/// Position that the API returns, and from which the next run reads changes.
#[derive(Debug, Serialize)]
pub(super) struct DeltaJson {
    /// Parameter that carries the position; absent if it is a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'static str>,
    /// Path of the position in a response.
    path: &'static str,
    /// Names of the parameters that are sent without a position. Values are not shown: they may be secret.
    initial: &'static [&'static str],
    /// Path of the flag on the last page; absent if the position is not the cursor of the pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'static str>,
    /// Statuses of responses to an expired position.
    expired: &'static [u16],
}

impl DeltaJson {
    pub(super) fn of(delta: &Delta) -> Self {
        let (param, path) = match delta.position {
            DeltaPosition::Param { param, path } => (Some(param), path),
            DeltaPosition::Link { path } => (None, path),
        };
        Self { param, path, initial: delta.initial_names, end: delta.end, expired: delta.expired }
    }

    pub(super) fn text(&self) -> String {
        let place = match self.param {
            Some(param) => format!("parameter `{param}` with the value at `{}`", self.path),
            None => format!("the URL at `{}`", self.path),
        };
        let initial = match self.initial {
            [] => String::new(),
            names => format!("; without a position {}", names.join(", ")),
        };
        let end = self.end.map_or_else(String::new, |end| format!("; the last page has `{end}`"));
        let statuses: Vec<String> = self.expired.iter().map(u16::to_string).collect();
        format!("{place}{initial}{end}; expired if status {}", statuses.join(", "))
    }
}
