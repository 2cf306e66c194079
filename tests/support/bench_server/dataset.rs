//! Records of the bench server: identical for the same number and mutation, on every machine.

use std::ops::Range;

use serde_json::{Value, json};

use crate::rng::Rng;

const WORDS: [&str; 32] = [
    "a",
    "after",
    "and",
    "answer",
    "before",
    "caf\u{e9}",
    "cannot",
    "customer",
    "every",
    "fails",
    "field",
    "first",
    "from",
    "in",
    "invoice",
    "is",
    "it",
    "list",
    "new",
    "not",
    "of",
    "page",
    "\"quoted\"",
    "report",
    "slow",
    "the",
    "then",
    "to",
    "until",
    "when",
    "with",
    "\u{1f680}",
];
const LABELS: [(&str, &str); 6] = [
    ("bug", "b60205"),
    ("enhancement", "0e8a16"),
    ("documentation", "1d76db"),
    ("question", "d876e3"),
    ("performance", "fbca04"),
    ("security", "5319e7"),
];
const API: &str = "https://api.github.example";
const WEBSITE: &str = "https://github.example";

/// A change of the original records. The default changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mutation {
    /// Approximate number of records per 1,000 with another title and a later `updated_at`.
    pub changed_per_mille: u64,
    /// Approximate number of deleted records per 1,000.
    pub deleted_per_mille: u64,
    /// Selects the records: another seed changes other records, and writes other titles.
    pub seed: u64,
}

/// All records as one text, joined by commas.
#[derive(Debug)]
pub(super) struct Dataset {
    text: String,
    /// Start offset of each record in bytes, and the end of the last one.
    offsets: Vec<usize>,
}

impl Dataset {
    pub(super) fn build(records: u64, mutation: Mutation) -> Self {
        let mut dataset = Self { text: String::new(), offsets: vec![0] };
        for index in 0..records {
            let mut rng = record_rng(mutation.seed, index);
            let (deleted, changed) = (rng.below(1000), rng.below(1000));
            if deleted >= mutation.deleted_per_mille {
                let edit = (changed < mutation.changed_per_mille).then_some(mutation.seed);
                dataset.text.push_str(&record(index, edit).to_string());
                dataset.text.push(',');
                dataset.offsets.push(dataset.text.len());
            }
        }
        dataset.text.shrink_to_fit();
        dataset
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Returns the records of a range, joined by commas; positions after the last record are ignored.
    pub(super) fn slice(&self, range: Range<usize>) -> &str {
        let (from, to) = (range.start.min(self.len()), range.end.min(self.len()));
        if from >= to { "" } else { &self.text[self.offsets[from]..self.offsets[to] - 1] }
    }
}

/// An issue with the fields that GitHub sends.
fn record(index: u64, edit: Option<u64>) -> Value {
    let mut rng = record_rng(u64::MAX, index);
    let number = index + 1;
    let id = 2_000_000_000 + index;
    let url = format!("{API}/repos/o/r/issues/{number}");
    let mut title = sentence(&mut rng, 5..12);
    if let Some(edit) = edit {
        title = format!("{title} (edit {edit})");
    }
    let author = user(&mut rng);
    let assignees: Vec<Value> = (0..u64::from(rng.below(4) == 0)).map(|_| user(&mut rng)).collect();
    let labels: Vec<Value> = (0..rng.below(3)).map(|_| label(&mut rng)).collect();
    let created = rng.below(900);
    let updated = created + rng.below(100) + if edit.is_some() { 200 } else { 0 };
    let closed = rng.below(3) == 0;
    let (thumbs, hearts) = (rng.below(20), rng.below(5));
    json!({
        "url": url,
        "repository_url": format!("{API}/repos/o/r"),
        "labels_url": format!("{url}/labels{{/name}}"),
        "comments_url": format!("{url}/comments"),
        "events_url": format!("{url}/events"),
        "html_url": format!("{WEBSITE}/o/r/issues/{number}"),
        "id": id,
        "node_id": format!("I_bench_{id}"),
        "number": number,
        "title": title,
        "user": author,
        "labels": labels,
        "state": if closed { "closed" } else { "open" },
        "locked": false,
        "assignee": assignees.first(),
        "assignees": assignees,
        "milestone": null,
        "comments": rng.below(50),
        "created_at": timestamp(created),
        "updated_at": timestamp(updated),
        "closed_at": closed.then(|| timestamp(updated)),
        "author_association": "CONTRIBUTOR",
        "active_lock_reason": null,
        "body": sentence(&mut rng, 25..80),
        "reactions": {
            "url": format!("{url}/reactions"),
            "total_count": thumbs + hearts,
            "+1": thumbs,
            "-1": 0,
            "laugh": 0,
            "hooray": 0,
            "confused": 0,
            "heart": hearts,
            "rocket": 0,
            "eyes": 0,
        },
        "timeline_url": format!("{url}/timeline"),
        "performed_via_github_app": null,
        "state_reason": closed.then_some("completed"),
    })
}

fn user(rng: &mut Rng) -> Value {
    let id = 10_000 + rng.below(4000);
    let login = format!("person-{id}");
    let url = format!("{API}/users/{login}");
    json!({
        "login": login,
        "id": id,
        "node_id": format!("U_bench_{id}"),
        "avatar_url": format!("{WEBSITE}/avatars/{id}"),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{WEBSITE}/{login}"),
        "followers_url": format!("{url}/followers"),
        "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"),
        "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"),
        "type": "User",
        "site_admin": false,
    })
}

fn label(rng: &mut Rng) -> Value {
    let id = rng.below(LABELS.len() as u64);
    let (name, color) = LABELS[usize::try_from(id).unwrap_or_default()];
    json!({
        "id": id,
        "node_id": format!("LA_bench_{id}"),
        "url": format!("{API}/repos/o/r/labels/{name}"),
        "name": name,
        "color": color,
        "default": id < 3,
        "description": format!("Everything about {name}"),
    })
}

fn sentence(rng: &mut Rng, length: Range<u64>) -> String {
    let words = length.start + rng.below(length.end - length.start);
    let word = |_| WORDS[usize::try_from(rng.below(WORDS.len() as u64)).unwrap_or_default()];
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}

/// Returns a time on this day, counted from the start of 2020 in years of twelve 28-day months, so that every date
/// exists.
fn timestamp(day: u64) -> String {
    let (year, month, date) = (2020 + day / 336, 1 + day % 336 / 28, 1 + day % 28);
    format!("{year}-{month:02}-{date:02}T{:02}:{:02}:00Z", day % 24, day % 60)
}

/// Returns the generator of one record, so that a record does not depend on those before it.
fn record_rng(seed: u64, index: u64) -> Rng {
    Rng::new(seed.rotate_left(32) ^ index)
}
