//! The key `proxy.paginate`: pagination.

use std::{borrow::Cow, ops::RangeInclusive};

use nango_grammar::{
    flag_names::{names_last_page_flag, names_more_flag},
    json_path,
};

use super::key_reader::KeyReader;
use crate::declare::{OffsetBy, Paginate, PaginateKind, Pagination};

/// Statuses that can end a walk, as in `end_status(…)` of the attribute.
const STATUSES: RangeInclusive<u16> = 400..=499;

pub(super) fn read(keys: KeyReader<'_>) -> Result<Paginate, String> {
    let type_name = keys.string("type")?.ok_or_else(|| format!("`{}` is missing", keys.path("type")))?;
    let path = keys.path("");
    let path = path.trim_end_matches('.');
    let need = |key: &'static str| {
        let value = keys.string(key)?.filter(|value| !value.is_empty());
        value.map(Cow::Owned).ok_or_else(|| format!("`{path}` of type {type_name} needs `{key}`"))
    };
    let text = |key: &'static str| Ok::<_, String>(keys.string(key)?.filter(|value| !value.is_empty()).map(Cow::Owned));
    let kind = match type_name.as_str() {
        "link" => {
            let (rel, path_in_body) = (text("link_rel_in_response_header")?, text("link_path_in_response_body")?);
            if rel.is_none() && path_in_body.is_none() {
                return Err(format!(
                    "`{path}` of type link needs `link_rel_in_response_header` or `link_path_in_response_body`"
                ));
            }
            PaginateKind::Link { rel, path: path_in_body }
        }
        "cursor" => {
            let name = need("cursor_name_in_request")?;
            match text("last_item_id")? {
                Some(id) => PaginateKind::LastItem { name, id },
                None => PaginateKind::Cursor { name, path: need("cursor_path_in_response")? },
            }
        }
        "offset" => {
            const METHODS: [(&str, OffsetBy); 2] =
                [("by-response-size", OffsetBy::Records), ("per-page", OffsetBy::Page)];
            PaginateKind::Offset {
                name: need("offset_name_in_request")?,
                start: keys.number("offset_start_value")?.unwrap_or(0),
                by: keys.one_of("offset_calculation_method", &METHODS)?.unwrap_or_default(),
            }
        }
        other => return Err(format!("unknown type `{other}` of `{path}`; available: `link`, `cursor` and `offset`")),
    };
    let limit = keys.number("limit")?.map(u32::try_from).transpose();
    let paginate = Paginate {
        kind: Some(kind),
        limit: limit.map_err(|_| format!("`{}` is too large", keys.path("limit")))?,
        limit_name: text("limit_name_in_request")?,
        response_path: records(&keys)?,
        response_key: response_key(&keys)?,
        has_more: flag(&keys, "has_more_path", names_last_page_flag, "is_last_path")?,
        is_last: flag(&keys, "is_last_path", names_more_flag, "has_more_path")?,
        total: text("total_path")?,
        total_pages: text("total_pages_path")?,
        null_is_empty: switch(&keys, "null_is_empty")?,
        end_status: end_status(&keys)?,
        pagination: keys
            .one_of("pagination", &[Pagination::Token, Pagination::Position].map(|kind| (kind.name(), kind)))?,
        in_body: switch(&keys, "in_body")?,
    };
    keys.warn_about_unread();
    Ok(paginate)
}

/// Returns the path of the records.
fn records(keys: &KeyReader<'_>) -> Result<Option<Cow<'static, str>>, String> {
    let path = keys.string("response_path")?.filter(|path| !path.is_empty());
    Ok(path.map(Cow::Owned))
}

/// Returns the field for the key of a record. It requires records that are the values of an object.
fn response_key(keys: &KeyReader<'_>) -> Result<Option<Cow<'static, str>>, String> {
    let Some(field) = keys.string("response_key")?.filter(|field| !field.is_empty()) else { return Ok(None) };
    let at = keys.path("response_key");
    json_path::check_field(&field).map_err(|error| format!("`{at}`: {error}"))?;
    let is_object = records(keys)?.is_some_and(|path| json_path::records(&path).1);
    if !is_object {
        let path = keys.path("response_path");
        return Err(format!("`{at}` requires a `{path}` that ends with `.*`, such as `items.*`"));
    }
    Ok(Some(Cow::Owned(field)))
}

/// Returns a boolean, or `None` if it is missing.
fn switch(keys: &KeyReader<'_>, key: &'static str) -> Result<Option<bool>, String> {
    if keys.get(key).is_some() { keys.flag(key).map(Some) } else { Ok(None) }
}

/// Returns the path of a value that reports whether another page follows. Fails if its name suggests the inverse.
fn flag(
    keys: &KeyReader<'_>,
    key: &'static str,
    is_inverse: fn(&str) -> bool,
    inverse: &str,
) -> Result<Option<Cow<'static, str>>, String> {
    let path = keys.string(key)?.filter(|path| !path.is_empty());
    if let Some(path) = path.as_ref().filter(|path| is_inverse(path)) {
        let when = if key == "has_more_path" { "while another page follows" } else { "on the last page only" };
        let at = keys.path(key);
        return Err(format!("`{at}` is true {when}, and `{path}` is its inverse: write `{inverse}: {path}`"));
    }
    Ok(path.map(Cow::Owned))
}

/// Returns the statuses of requests after the last page.
fn end_status(keys: &KeyReader<'_>) -> Result<Option<Cow<'static, [u16]>>, String> {
    let statuses = keys.strings("end_status")?;
    let status = |text: &String| text.trim().parse().ok().filter(|status| STATUSES.contains(status));
    let wrong = |text: &String| {
        let (at, first, last) = (keys.path("end_status"), STATUSES.start(), STATUSES.end());
        format!("`{at}: {text}` is not an error status; use {first} to {last}, such as `[404]`")
    };
    let statuses: Vec<u16> =
        statuses.iter().map(|text| status(text).ok_or_else(|| wrong(text))).collect::<Result<_, _>>()?;
    Ok((!statuses.is_empty()).then_some(Cow::Owned(statuses)))
}

#[cfg(test)]
mod tests;
