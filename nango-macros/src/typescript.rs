//! Names from Nango's TypeScript API and their equivalents in attributes, for error messages.

/// Attribute (empty for any), TypeScript name, and the text on the equivalent.
const NAMES: &[(&str, &str, &str)] = &[
    ("", "runs", "here it is `frequency = \"every hour\"`"),
    ("", "exec", "here it is the function under the attribute"),
    ("`#[sync]`", "output", "here it is `model = \"YourModel\"`"),
    ("", "output", "here it is the function's return type"),
    ("", "input", "here it is the function's second parameter"),
    ("", "endpoints", "here it is `endpoint = \"/path\"`, where a mapper reads"),
    ("", "sync_type", "a sync with a `checkpoint` or `since(…)` is incremental, any other is full"),
    ("", "syncType", "a sync with a `checkpoint` or `since(…)` is incremental, any other is full"),
    ("", "delete_strategy", "here it is `track_deletes`"),
    ("", "webhookSubscriptions", "here it is `#[on_webhook(your_sync, \"type\")]` on the handler"),
    ("", "webhook_subscriptions", "here it is `#[on_webhook(your_sync, \"type\")]` on the handler"),
    ("", "onWebhook", "here it is `#[on_webhook(your_sync, \"type\")]` on the handler"),
    ("", "on_webhook", "here it is `#[on_webhook(your_sync, \"type\")]` on the handler"),
    ("", "event", "here it is the event itself: `#[on_event(post_connection_creation)]`"),
    ("", "params", "here it is `query(\"name\" = value)`"),
    ("", "data", "here it is `body = json!({ … })`"),
    ("", "method", "here it is a part of the endpoint: `endpoint = \"POST /path\"`"),
    ("", "type", "here it is `link(…)`, `cursor(…)` or `offset(…)`"),
    ("", "link_rel_in_response_header", "here it is `link(rel = \"next\")`"),
    ("", "link_path_in_response_body", "here it is `link(path = \"…\")`"),
    ("", "cursor_name_in_request", "here it is `cursor(name = \"…\", path = \"…\")`"),
    ("", "cursor_path_in_response", "here it is `cursor(name = \"…\", path = \"…\")`"),
    ("", "offset_name_in_request", "here it is `offset(name = \"…\")`"),
    ("", "offset_start_value", "here it is `offset(name = \"…\", start = 0)`"),
    ("", "offset_calculation_method", "here it is `offset(name = \"…\", by = \"page\")`"),
    ("", "limit_name_in_request", "here it is `limit_name = \"…\"`"),
    ("`paginate(…)`", "last_item_id", "here it is `last_item(name = \"…\", id = \"…\")`"),
    ("`paginate(…)`", "has_more_path", "here it is `has_more = \"…\"`"),
    ("`paginate(…)`", "is_last_path", "here it is `is_last = \"…\"`"),
    ("`paginate(…)`", "total_path", "here it is `total = \"…\"`"),
    ("`paginate(…)`", "total_pages_path", "here it is `total_pages = \"…\"`"),
    ("`paginate(…)`", "page", "here it is `offset(name = \"page\", by = \"page\")`"),
    ("`paginate(…)`", "page_number", "here it is `offset(name = \"page_number\", by = \"page\")`"),
    ("`paginate(…)`", "per_page", "here it is `limit = 100, limit_name = \"per_page\"`"),
    ("`paginate(…)`", "page_size", "here it is `limit = 100, limit_name = \"page_size\"`"),
    ("`paginate(…)`", "next", "here it is `link(path = \"next\")` or `cursor(name = \"…\", path = \"next\")`"),
    ("`last_item(…)`", "field", "here it is `id = \"id\"`"),
    ("`last_item(…)`", "path", "here it is `id = \"id\"`, a field of the record"),
    ("`error(…)`", "at", "here it is `path = \"errors\"`"),
    ("", "in_body", "it is a key of `paginate(…)` itself"),
];

/// Returns the equivalent of a TypeScript `name` in the attribute `what`.
pub(crate) fn rust_equivalent(what: &str, name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(on, there, _)| *there == name && (on.is_empty() || *on == what)).map(|(_, _, here)| *here)
}

#[cfg(test)]
mod tests {
    use super::rust_equivalent;

    #[test]
    fn typescript_name_is_resolved_by_attribute() {
        assert_eq!(rust_equivalent("`#[sync]`", "output"), Some("here it is `model = \"YourModel\"`"));
        assert_eq!(rust_equivalent("`#[action]`", "output"), Some("here it is the function's return type"));
        assert_eq!(rust_equivalent("`#[sync]`", "model"), None);
    }
}
