use nango_core::prelude::*;

/// Metadata of a connection: the team to sync.
#[model]
pub struct LinearTeam {
    /// Key of the team, the prefix of its issues.
    pub team: String,
}

/// An issue of a Linear team.
#[model]
pub struct LinearIssue {
    /// Id of the issue.
    pub id: String,
    /// Readable id, such as `ENG-12`.
    pub identifier: String,
    /// Title of the issue.
    pub title: String,
    /// Name of the state, which each team defines.
    pub state: String,
    /// Name of the person who works on it.
    pub assignee: Option<String>,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// An issue as the query returns it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiIssue {
    id: String,
    identifier: String,
    title: String,
    state: ApiName,
    assignee: Option<ApiName>,
    updated_at: Timestamp,
}

/// Name of a state or of a person.
#[derive(Deserialize)]
pub struct ApiName {
    name: String,
}

const ISSUES: &str = "query Issues($team: String!, $first: Int!, $after: String) {
  issues(filter: { team: { key: { eq: $team } } }, first: $first, after: $after) {
    nodes { id identifier title state { name } assignee { name } updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}";

/// Syncs the issues of a team.
///
/// The variables of the query carry the cursor and the page size. GraphQL reports an error with status 200, which the
/// provider's entry in the catalogue declares.
#[sync(
    model = "LinearIssue",
    frequency = "every 30 minutes",
    metadata = LinearTeam,
    endpoint = "POST /graphql",
    body = json!({ "query": ISSUES, "variables": { "team": metadata.team } }),
    paginate(
        cursor(name = "variables.after", path = "data.issues.pageInfo.endCursor"),
        has_more = "data.issues.pageInfo.hasNextPage",
        limit = 50,
        limit_name = "variables.first",
        response_path = "data.issues.nodes"
    ),
    track_deletes,
    scopes("read")
)]
pub fn issues(issue: ApiIssue) -> LinearIssue {
    let ApiIssue { id, identifier, title, state, assignee, updated_at } = issue;
    LinearIssue { id, identifier, title, state: state.name, assignee: assignee.map(|person| person.name), updated_at }
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    fn list(ids: &[&str], next: Option<&str>) -> Value {
        let issue = |id: &&str| {
            json!({
                "id": id, "identifier": "ENG-1", "title": "Crash", "state": { "name": "Todo" }, "assignee": null,
                "updatedAt": "2026-01-02T00:00:00.000Z",
            })
        };
        let (nodes, more) = (ids.iter().map(issue).collect::<Vec<_>>(), next.is_some());
        json!({ "data": { "issues": { "nodes": nodes, "pageInfo": { "hasNextPage": more, "endCursor": next } } } })
    }

    fn mock() -> Mock {
        Mock::new().metadata(LinearTeam { team: "ENG".into() })
    }

    #[tokio::test]
    async fn cursor_is_a_variable_of_the_query_and_missing_issues_are_deleted() -> Result<()> {
        let mock = mock()
            .on("POST", "/graphql")
            .body(json!({ "query": ISSUES, "variables": { "team": "ENG", "first": 50 } }))
            .reply(list(&["a", "b"], Some("c2")))
            .on("POST", "/graphql")
            .body(json!({ "variables": { "team": "ENG", "first": 50, "after": "c2" } }))
            .reply(list(&["c"], None))
            .on("POST", "/graphql")
            .reply(list(&["a", "c"], None));

        assert_eq!(mock.run(issues).await?.counts::<LinearIssue>().added, 3);
        assert_eq!(mock.run(issues).await?.counts::<LinearIssue>().deleted, 1);

        assert_eq!(mock.deleted::<LinearIssue>().await, ["b"]);
        assert_eq!(mock.saved::<LinearIssue>().await[0].state, "Todo");
        Ok(())
    }

    #[tokio::test]
    async fn error_of_graphql_fails_the_run_and_deletes_nothing() -> Result<()> {
        let error = json!({ "errors": [{ "message": "Rate limit exceeded" }], "data": null });
        let mock = mock().reply("/graphql", list(&["a"], None)).reply("/graphql", error);
        mock.run(issues).await?;

        let error = mock.run(issues).await.unwrap_err();

        assert!(error.to_string().contains("Rate limit exceeded"), "{error}");
        assert_eq!(mock.saved::<LinearIssue>().await.len(), 1);
        Ok(())
    }
}
