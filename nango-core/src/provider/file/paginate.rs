//! `proxy.paginate`: how pages are found.

use std::borrow::Cow;

use super::keys::Keys;
use crate::declare::{OffsetBy, Paginate, PaginateKind};

pub(super) fn read(keys: Keys<'_>) -> Result<Paginate, String> {
    let kind = keys.text("type")?.ok_or_else(|| format!("`{}` is missing", keys.path("type")))?;
    let path = keys.path("");
    let path = path.trim_end_matches('.');
    let need = |key: &'static str| {
        let value = keys.text(key)?.filter(|value| !value.is_empty());
        value.map(Cow::Owned).ok_or_else(|| format!("`{path}` of type {kind} needs `{key}`"))
    };
    let text = |key: &'static str| Ok::<_, String>(keys.text(key)?.filter(|value| !value.is_empty()).map(Cow::Owned));
    let kind = match kind.as_str() {
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
        other => return Err(format!("`{path}` of type {other} is not known: write `link`, `cursor` or `offset`")),
    };
    let limit = keys.number("limit")?.map(u32::try_from).transpose();
    let in_body = if keys.get("in_body").is_some() { Some(keys.switch("in_body")?) } else { None };
    let paginate = Paginate {
        kind: Some(kind),
        limit: limit.map_err(|_| format!("`{}` is too large", keys.path("limit")))?,
        limit_name: text("limit_name_in_request")?,
        response_path: text("response_path")?,
        has_more: text("has_more_path")?,
        is_last: None,
        total: None,
        total_pages: None,
        null_is_empty: None,
        end_status: None,
        pagination: None,
        in_body,
    };
    keys.finish();
    Ok(paginate)
}
