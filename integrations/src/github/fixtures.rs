//! Responses of GitHub for the tests of this folder, which is copied with it.

use nango_core::prelude::*;

/// Returns an issue as GitHub sends it.
pub(super) fn issue(number: u64, title: &str) -> Value {
    json!({
        "id": number, "number": number, "title": title, "body": null, "state": "open", "state_reason": null,
        "html_url": format!("https://github.test/issues/{number}"),
        "user": { "id": 1, "login": "octocat" }, "labels": [{ "name": "bug" }], "assignees": [], "comments": 0,
        "reactions": { "total_count": 2 }, "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-02T00:00:00Z", "closed_at": null,
    })
}
