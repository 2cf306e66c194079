//! Shared parts of both baselines: types of the API, mapping, and the walk.

use nango_tests::measure::Outcome;
use reqwest::header::LINK;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct Reactions {
    total_count: u64,
}

#[derive(Deserialize)]
pub(crate) struct Issue {
    id: u64,
    number: u64,
    html_url: String,
    title: String,
    body: Option<String>,
    state: String,
    state_reason: Option<String>,
    user: Option<User>,
    labels: Vec<Label>,
    assignees: Vec<User>,
    comments: u64,
    reactions: Option<Reactions>,
    created_at: String,
    updated_at: String,
    closed_at: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Model {
    pub(crate) id: u64,
    number: u64,
    url: String,
    title: String,
    body: Option<String>,
    state: String,
    state_reason: Option<String>,
    author: Option<String>,
    author_id: Option<u64>,
    labels: Vec<String>,
    assignees: Vec<String>,
    comments: u64,
    reactions: u64,
    created_at: String,
    updated_at: String,
    closed_at: Option<String>,
}

impl From<Issue> for Model {
    fn from(issue: Issue) -> Self {
        let (author, author_id) = issue.user.map(|user| (user.login, user.id)).unzip();
        Self {
            id: issue.id,
            number: issue.number,
            url: issue.html_url,
            title: issue.title,
            body: issue.body,
            state: issue.state,
            state_reason: issue.state_reason,
            author,
            author_id,
            labels: issue.labels.into_iter().map(|label| label.name).collect(),
            assignees: issue.assignees.into_iter().map(|user| user.login).collect(),
            comments: issue.comments,
            reactions: issue.reactions.map_or(0, |reactions| reactions.total_count),
            created_at: issue.created_at,
            updated_at: issue.updated_at,
            closed_at: issue.closed_at,
        }
    }
}

/// Passes each page's body to `handle_page`, while the next page is fetched.
pub(crate) fn for_each_page(url: &str, mut handle_page: impl FnMut(&[u8]) -> Outcome) -> Outcome {
    let (pages, received) = std::sync::mpsc::sync_channel::<Vec<u8>>(2);
    let first = format!("{url}/repos/o/r/issues?per_page=100");
    let fetcher = std::thread::spawn(move || -> Outcome {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            // reqwest builds no client without a default TLS provider; one that was installed before is used instead.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().build()?;
            let mut next = Some(first);
            while let Some(url) = next {
                let response = client.get(url).send().await?;
                next = response.headers().get(LINK).and_then(|link| next_link(link.to_str().ok()?));
                pages.send(response.bytes().await?.to_vec())?;
            }
            Ok(())
        })
    });
    while let Ok(page) = received.recv() {
        handle_page(&page)?;
    }
    fetcher.join().map_err(|_| "the fetching thread panicked")?
}

/// Converts the records of a page to the product's model.
pub(crate) fn models(page: &[u8]) -> Outcome<impl Iterator<Item = Model>> {
    let issues: Vec<Issue> = serde_json::from_slice(page)?;
    Ok(issues.into_iter().map(Model::from))
}

fn next_link(header: &str) -> Option<String> {
    header
        .split(", ")
        .find(|part| part.ends_with("rel=\"next\""))
        .and_then(|part| Some(part.split_once('<')?.1.split_once('>')?.0.to_owned()))
}
