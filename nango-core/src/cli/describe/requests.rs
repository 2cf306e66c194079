//! Requests of a mapper as `registry describe` shows them: endpoint, parameters, pages, and the end of the list.

use serde::Serialize;

use super::{parents::Parents, positions::DeltaJson};
use crate::{
    cli::{CommandError, Terminal},
    declare::{
        Endpoint, ErrorAt, ErrorValue, Mapper, OffsetBy, OnInvalid, Paginate, PaginateKind, Since, SinceFormat,
        SinceFrom,
    },
};

/// Requests of a mapper.
#[derive(Debug, Serialize)]
pub(super) struct Requests {
    method: &'static str,
    /// The endpoint as declared, with `{field}` for values of the metadata.
    endpoint: &'static str,
    /// Names of the parameters.
    query: &'static [&'static str],
    /// Names of the headers. Values are not shown: they may be secret.
    headers: &'static [&'static str],
    /// Whether the attribute declares a body.
    body: bool,
    /// `None` for a single request.
    pages: Option<Pages>,
    since: Option<SinceJson>,
    delta: Option<DeltaJson>,
    /// `None` for one list.
    each: Option<Parents>,
    /// Declared errors in responses with a success status, in addition to those of the provider's entry.
    errors: Vec<ErrorJson>,
    retries: u32,
    /// `fail` or `skip`.
    on_invalid: &'static str,
}

/// Pagination as the attribute declares it; what it leaves out is taken from the provider's entry.
#[derive(Debug, Serialize)]
struct Pages {
    /// `link`, `cursor`, `last_item`, `offset`, or `provider` for the provider's entry.
    kind: &'static str,
    /// Parameter that selects a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Relation in the `Link` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    rel: Option<String>,
    /// Path of the value for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// First value of an offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    /// Unit of an offset: `record` or `page`.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_name: Option<String>,
    /// Path of the records in a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_path: Option<String>,
    /// Field that receives the key of a record, if the list is an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_key: Option<String>,
    evidence: Evidence,
}

/// Declared evidence of the end of the list, in addition to a response without a next page.
#[derive(Debug, Serialize)]
struct Evidence {
    #[serde(skip_serializing_if = "Option::is_none")]
    has_more: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_last: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_pages: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    end_status: Vec<u16>,
    null_is_empty: bool,
}

/// Declared error in a response with a success status.
#[derive(Debug, Serialize)]
struct ErrorJson {
    path: String,
    /// Value at `path` that means an error; absent if any value does.
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<serde_json::Value>,
    /// Path of the message; absent if it is the value at `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    partial: bool,
    /// Messages that fail the run although another error skips the parent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fatal: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SinceJson {
    param: &'static str,
    /// `rfc3339`, `unix` or `unix_ms`.
    format: &'static str,
    /// `run_start`, or `field:PATH`.
    from: String,
    overlap_seconds: u32,
    full_every_seconds: Option<u32>,
}

/// Returns the pagination of a mapper, with what its incremental feed adds; `None` for a single request.
pub(super) fn paginate_of(mapper: &Mapper) -> Option<Paginate> {
    let paginate = mapper.paginate.clone()?;
    Some(mapper.delta.map_or(paginate.clone(), |delta| delta.paginate(paginate)))
}

impl Requests {
    pub(super) fn of(mapper: &Mapper) -> Self {
        Self {
            method: mapper.request.method.name(),
            endpoint: match mapper.endpoint {
                Endpoint::Fixed(path) | Endpoint::Metadata(_, path) | Endpoint::Each(_, path) => path,
            },
            query: mapper.request.query_names,
            headers: mapper.request.header_names,
            body: mapper.request.body.is_some() || mapper.each.is_some_and(|each| each.request.body.is_some()),
            pages: paginate_of(mapper).as_ref().map(Pages::of),
            since: mapper.since.as_ref().map(SinceJson::of),
            delta: mapper.delta.map(DeltaJson::of),
            each: mapper.each.map(Parents::of),
            errors: mapper.errors.iter().map(ErrorJson::of).collect(),
            retries: mapper.retries,
            on_invalid: match mapper.on_invalid {
                OnInvalid::Fail => "fail",
                OnInvalid::Skip => "skip",
            },
        }
    }

    pub(super) fn print(&self, terminal: &mut Terminal) -> Result<(), CommandError> {
        terminal.line(format_args!("request   {} {}", self.method, self.endpoint))?;
        for (label, names) in [("query", self.query), ("headers", self.headers)] {
            if !names.is_empty() {
                terminal.line(format_args!("{label:<9} {}", names.join(", ")))?;
            }
        }
        if self.body {
            terminal.line("body      declared by the attribute")?;
        }
        if let Some(pages) = &self.pages {
            terminal.line(format_args!("next page {}", pages.next_text()))?;
            if let Some(limit) = pages.limit {
                let name = pages.limit_name.as_ref().map_or_else(String::new, |name| format!(", sent as `{name}`"));
                terminal.line(format_args!("limit     {limit} records{name}"))?;
            }
            if let Some(path) = &pages.response_path {
                let key = pages.response_key.as_ref().map_or_else(String::new, |key| format!(", keys as `{key}`"));
                terminal.line(format_args!("list      at `{path}` of a response{key}"))?;
            }
            let evidence = pages.evidence.text();
            if !evidence.is_empty() {
                terminal.line(format_args!("end       {evidence}"))?;
            }
        }
        if let Some(since) = &self.since {
            terminal.line(format_args!("since     {}", since.text()))?;
        }
        if let Some(delta) = &self.delta {
            terminal.line(format_args!("delta     {}", delta.text()))?;
        }
        if let Some(parents) = &self.each {
            parents.print(terminal)?;
        }
        for error in &self.errors {
            terminal.line(format_args!("error     {}", error.text()))?;
        }
        terminal.line(format_args!("retries   {} of a request", self.retries))?;
        terminal.line(match self.on_invalid {
            "skip" => "invalid   a record that does not fit its type is skipped",
            _ => "invalid   a record that does not fit its type fails the run",
        })
    }
}

impl Pages {
    fn of(paginate: &Paginate) -> Self {
        let text = |text: &Option<std::borrow::Cow<'static, str>>| text.as_deref().map(str::to_owned);
        let mut pages = Self {
            kind: "provider",
            name: None,
            rel: None,
            path: None,
            start: None,
            by: None,
            limit: paginate.limit,
            limit_name: text(&paginate.limit_name),
            response_path: text(&paginate.response_path),
            response_key: text(&paginate.response_key),
            evidence: Evidence {
                has_more: text(&paginate.has_more),
                is_last: text(&paginate.is_last),
                total: text(&paginate.total),
                total_pages: text(&paginate.total_pages),
                end_status: paginate.end_status.as_deref().unwrap_or_default().to_vec(),
                null_is_empty: paginate.null_is_empty.unwrap_or_default(),
            },
        };
        match &paginate.kind {
            None => {}
            Some(PaginateKind::Link { rel, path }) => {
                (pages.kind, pages.rel, pages.path) = ("link", text(rel), text(path));
            }
            Some(PaginateKind::Cursor { name, path }) => {
                (pages.kind, pages.name, pages.path) = ("cursor", Some(name.to_string()), Some(path.to_string()));
            }
            Some(PaginateKind::LastItem { name, id }) => {
                (pages.kind, pages.name, pages.path) = ("last_item", Some(name.to_string()), Some(id.to_string()));
            }
            Some(PaginateKind::Offset { name, start, by }) => {
                (pages.kind, pages.name, pages.start) = ("offset", Some(name.to_string()), Some(*start));
                pages.by = Some(match by {
                    OffsetBy::Records => "record",
                    OffsetBy::Page => "page",
                });
            }
        }
        pages
    }

    fn next_text(&self) -> String {
        let (name, path) = (self.name.as_deref().unwrap_or_default(), self.path.as_deref());
        match self.kind {
            "link" => {
                let header = self.rel.as_ref().map(|rel| format!("the `Link` header with rel `{rel}`"));
                let body = path.map(|path| format!("the URL at `{path}`"));
                header.into_iter().chain(body).collect::<Vec<_>>().join(", or ")
            }
            "cursor" => format!("parameter `{name}` with the value at `{}`", path.unwrap_or_default()),
            "last_item" => format!("parameter `{name}` with `{}` of the last record", path.unwrap_or_default()),
            "offset" => {
                let (unit, start) = (self.by.unwrap_or_default(), self.start.unwrap_or_default());
                format!("parameter `{name}` counts {unit}s from {start}")
            }
            _ => "as the provider's entry declares it".to_owned(),
        }
    }
}

impl Evidence {
    fn text(&self) -> String {
        let at = |label: &str, path: &Option<String>| path.as_ref().map(|path| format!("{label} `{path}`"));
        let statuses: Vec<String> = self.end_status.iter().map(u16::to_string).collect();
        [
            at("has_more", &self.has_more),
            at("is_last", &self.is_last),
            at("total", &self.total),
            at("total_pages", &self.total_pages),
            (!statuses.is_empty()).then(|| format!("end_status {}", statuses.join(", "))),
            self.null_is_empty.then(|| "null is an empty list".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
    }
}

impl ErrorJson {
    fn of(error: &ErrorAt) -> Self {
        Self {
            path: error.path.to_string(),
            is: error.is.as_ref().map(|is| match is {
                ErrorValue::Bool(value) => (*value).into(),
                ErrorValue::Number(value) => (*value).into(),
                ErrorValue::Text(value) => value.as_ref().into(),
            }),
            message: error.message.as_deref().map(str::to_owned),
            partial: error.partial,
            fatal: error.fatal.iter().map(ToString::to_string).collect(),
        }
    }

    fn text(&self) -> String {
        let is = self.is.as_ref().map_or_else(String::new, |is| format!(" is {is}"));
        let message = self.message.as_ref().map_or_else(String::new, |path| format!(", message at `{path}`"));
        let partial = if self.partial { "; keeps the data" } else { "" };
        let fatal = match self.fatal.as_slice() {
            [] => String::new(),
            messages => format!("; fatal {}", messages.join(", ")),
        };
        format!("`{}`{is}{message}{partial}{fatal}", self.path)
    }
}

impl SinceJson {
    fn of(since: &Since) -> Self {
        Self {
            param: since.param,
            format: match since.format {
                SinceFormat::Rfc3339 => "rfc3339",
                SinceFormat::Unix => "unix",
                SinceFormat::UnixMs => "unix_ms",
            },
            from: match since.from {
                SinceFrom::RunStart => "run_start".to_owned(),
                SinceFrom::Field(path) => format!("field:{path}"),
            },
            overlap_seconds: since.overlap,
            full_every_seconds: since.full_every,
        }
    }

    fn text(&self) -> String {
        let full = self.full_every_seconds.map_or_else(String::new, |every| format!("; a full run every {every} s"));
        format!(
            "parameter `{}` ({}), from {}, minus {} s{full}",
            self.param, self.format, self.from, self.overlap_seconds
        )
    }
}

#[cfg(test)]
mod tests;
