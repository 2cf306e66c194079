//! Recorded scenarios, request by request.

use axum::http::Method;

/// A recorded sequence of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scenario {
    /// Thirteen issues of `octokit-fixture-org/paginate-issues` on five pages.
    PaginateIssues,
    /// The labels of `octokit-fixture-org/labels` are listed; then one is created, read, renamed and deleted.
    Labels,
}

/// One request of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// Page number, for paginated lists. The first page is requested without a number.
    pub(super) page: Option<u32>,
    /// Body as compact JSON.
    pub(super) body: Option<&'static str>,
}

/// Page size in the recording.
pub(super) const RECORDED_PAGE_SIZE: &str = "3";
/// Page size that clients request.
pub(super) const CLIENT_PAGE_SIZE: &str = "100";

impl Scenario {
    /// Name of the scenario's folder in `@octokit/fixtures`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PaginateIssues => "paginate-issues",
            Self::Labels => "labels",
        }
    }

    pub(super) fn steps(self) -> Vec<Step> {
        match self {
            Self::PaginateIssues => (1..=5)
                .map(|page| {
                    let first = "/repos/octokit-fixture-org/paginate-issues/issues";
                    let path = if page == 1 { first } else { "/repositories/1000/issues" };
                    Step { page: Some(page), ..step(Method::GET, path, None) }
                })
                .collect(),
            Self::Labels => {
                let labels = "/repos/octokit-fixture-org/labels/labels";
                let label = "/repos/octokit-fixture-org/labels/labels/test-label";
                let renamed = "/repos/octokit-fixture-org/labels/labels/test-label-updated";
                vec![
                    step(Method::GET, labels, None),
                    step(Method::POST, labels, Some(r#"{"name":"test-label","color":"663399"}"#)),
                    step(Method::GET, label, None),
                    step(Method::PATCH, label, Some(r#"{"new_name":"test-label-updated","color":"BADA55"}"#)),
                    step(Method::DELETE, renamed, None),
                ]
            }
        }
    }
}

fn step(method: Method, path: &'static str, body: Option<&'static str>) -> Step {
    Step { method, path, page: None, body }
}

impl Step {
    /// Returns the query with pages of this size, as sorted pairs.
    pub(super) fn query(&self, page_size: &str) -> Vec<(String, String)> {
        let size = self.page.map(|_| ("per_page", page_size.to_owned()));
        let page = self.page.filter(|&page| page > 1).map(|page| ("page", page.to_string()));
        let mut query: Vec<_> = size.into_iter().chain(page).map(|(name, value)| (name.to_owned(), value)).collect();
        query.sort();
        query
    }
}
