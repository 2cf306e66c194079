//! Issues and the JSON of issues, users, repositories and labels, with every field that GitHub sends.

use jiff::Timestamp;
use nango_core::prelude::{Value, json};

use super::data::Repository;

/// Base URL of links in records. The domain is reserved for examples, so that no link leads to a real page.
const WEBSITE: &str = "https://github.example";
const API: &str = "https://api.github.example";

/// Input for a new issue.
#[derive(Debug)]
pub(super) struct NewIssue {
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) labels: Vec<String>,
    pub(super) pull_request: bool,
}

#[derive(Debug)]
pub(super) struct Issue {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) labels: Vec<String>,
    pub(super) author: &'static str,
    pub(super) pull_request: bool,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// Time at which the issue was closed; `None` while it is open.
    pub(super) closed: Option<Timestamp>,
    /// Whether the issue was deleted. A deleted issue stays, so that its number returns 410 and is not reused.
    pub(super) deleted: bool,
}

impl Issue {
    pub(super) fn json(&self, repository: &Repository) -> Value {
        let number = self.number;
        let repository_url = format!("{API}/repos/{}", repository.name);
        let url = format!("{repository_url}/issues/{number}");
        let kind = if self.pull_request { "pull" } else { "issues" };
        let html_url = format!("{WEBSITE}/{}/{kind}/{number}", repository.name);
        let labels: Vec<Value> = self.labels.iter().map(|label| label_json(&repository_url, label)).collect();
        let mut issue = json!({
            "url": url,
            "repository_url": repository_url,
            "labels_url": format!("{url}/labels{{/name}}"),
            "comments_url": format!("{url}/comments"),
            "events_url": format!("{url}/events"),
            "html_url": html_url,
            "id": repository.id * 10_000 + number,
            "node_id": format!("I_demo_{}_{number}", repository.id),
            "number": number,
            "title": self.title,
            "user": user_json(self.author),
            "labels": labels,
            "state": if self.closed.is_some() { "closed" } else { "open" },
            "locked": false,
            "assignee": null,
            "assignees": [],
            "milestone": null,
            "comments": number % 4,
            "created_at": self.created.to_string(),
            "updated_at": self.updated.to_string(),
            "closed_at": self.closed.map(|at| at.to_string()),
            "author_association": "CONTRIBUTOR",
            "active_lock_reason": null,
            "body": self.body,
            "reactions": {
                "url": format!("{url}/reactions"),
                "total_count": 0,
                "+1": 0,
                "-1": 0,
                "laugh": 0,
                "hooray": 0,
                "confused": 0,
                "heart": 0,
                "rocket": 0,
                "eyes": 0,
            },
            "timeline_url": format!("{url}/timeline"),
            "performed_via_github_app": null,
            "state_reason": self.closed.map(|_| "completed"),
        });
        if self.pull_request {
            issue["pull_request"] = json!({
                "url": format!("{repository_url}/pulls/{number}"),
                "html_url": html_url,
                "merged_at": null,
            });
        }
        issue
    }
}

/// Returns a user, as in `/user` and in the `user` field of an issue.
pub(super) fn user_json(login: &str) -> Value {
    let id = 1000 + u64::from(login.bytes().map(u32::from).sum::<u32>());
    let url = format!("{API}/users/{login}");
    json!({
        "login": login,
        "id": id,
        "node_id": format!("U_demo_{id}"),
        "avatar_url": format!("{WEBSITE}/avatars/{id}"),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{WEBSITE}/{login}"),
        "followers_url": format!("{url}/followers"),
        "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"),
        "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": "User",
        "site_admin": false,
    })
}

/// Returns a repository with its main fields.
pub(super) fn repository_json(repository: &Repository) -> Value {
    let (owner, name) = repository.name.split_once('/').unwrap_or_default();
    json!({
        "id": repository.id,
        "node_id": format!("R_demo_{}", repository.id),
        "name": name,
        "full_name": repository.name,
        "private": false,
        "owner": user_json(owner),
        "html_url": format!("{WEBSITE}/{}", repository.name),
        "description": null,
        "fork": false,
        "url": format!("{API}/repos/{}", repository.name),
        "issues_url": format!("{API}/repos/{}/issues{{/number}}", repository.name),
        "default_branch": "main",
        "has_issues": true,
        "archived": false,
        "visibility": "public",
        "open_issues_count": repository.issues().filter(|issue| issue.closed.is_none()).count(),
    })
}

fn label_json(repository_url: &str, name: &str) -> Value {
    let (color, description) = match name {
        "bug" => ("b60205", Some("It does not do what it says")),
        "enhancement" => ("0e8a16", Some("It could do more")),
        "documentation" => ("1d76db", Some("About the texts")),
        "demo" => ("5319e7", Some("Shown by the demo")),
        "automatic" => ("fbca04", Some("Opened by a program")),
        _ => ("ededed", None),
    };
    let id = 5000 + u64::from(name.bytes().map(u32::from).sum::<u32>());
    json!({
        "id": id,
        "node_id": format!("LA_demo_{id}"),
        "url": format!("{repository_url}/labels/{name}"),
        "name": name,
        "color": color,
        "default": matches!(name, "bug" | "enhancement" | "documentation"),
        "description": description,
    })
}
