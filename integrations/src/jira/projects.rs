use nango_core::prelude::*;

/// A project of a Jira site.
#[model]
pub struct JiraProject {
    /// Id of the project.
    pub id: String,
    /// Key of the project, the prefix of its issue keys.
    pub key: String,
    /// Name of the project.
    pub name: String,
    /// Type of the project: `software`, `service_desk` or `business`.
    pub kind: String,
}

/// A project as Jira sends it.
#[model]
pub struct ApiProject {
    /// Id of the project.
    pub id: String,
    /// Key of the project, the prefix of its issue keys.
    pub key: String,
    /// Name of the project.
    pub name: String,
    /// Type of the project.
    #[serde(rename = "projectTypeKey")]
    pub project_type_key: String,
}

/// Syncs the projects of a site.
///
/// The list has offsets. A project that is added or deleted during a walk shifts the others across pages, so a project
/// is deleted only if two complete walks in a row miss it. Jira may return fewer projects than requested, so the end of
/// the list is detected by `isLast` and `total`.
#[sync(
    model = "JiraProject",
    frequency = "every day",
    endpoint = "/rest/api/3/project/search",
    paginate(
        offset(name = "startAt"),
        limit = 50,
        limit_name = "maxResults",
        response_path = "values",
        is_last = "isLast",
        total = "total"
    ),
    track_deletes,
    retries = 3,
    scopes("read:jira-work")
)]
pub fn projects(project: ApiProject) -> JiraProject {
    JiraProject { id: project.id, key: project.key, name: project.name, kind: project.project_type_key }
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    const PATH: &str = "/rest/api/3/project/search";

    fn project(id: u64) -> Value {
        json!({ "id": id.to_string(), "key": "EX", "name": "Example", "projectTypeKey": "software" })
    }

    fn page(ids: &[u64], is_last: bool, total: u64) -> Value {
        json!({ "values": ids.iter().map(|id| project(*id)).collect::<Vec<_>>(), "isLast": is_last, "total": total })
    }

    #[tokio::test]
    async fn offset_advances_by_the_records_of_a_page() -> Result<()> {
        let mock = Mock::new()
            .on("GET", "/rest/api/3/project/search?startAt=0&maxResults=50")
            .reply(page(&[1, 2], false, 3))
            .on("GET", "/rest/api/3/project/search?startAt=2")
            .reply(page(&[3], true, 3));

        assert_eq!(mock.run(projects).await?.counts::<JiraProject>().added, 3);

        let saved = mock.saved::<JiraProject>().await;
        assert_eq!((saved[0].key.as_str(), saved[0].kind.as_str()), ("EX", "software"));
        Ok(())
    }

    #[tokio::test]
    async fn missing_project_is_deleted_after_two_complete_walks() -> Result<()> {
        let mock = Mock::new()
            .reply(PATH, page(&[1, 2], false, 3))
            .reply(PATH, page(&[3], true, 3))
            .reply(PATH, page(&[1, 2], false, 2))
            .reply(PATH, page(&[], true, 2))
            .reply(PATH, page(&[1, 2], false, 2))
            .reply(PATH, page(&[], true, 2));
        mock.run(projects).await?;

        let second = mock.run(projects).await?;
        assert_eq!((second.counts::<JiraProject>().deleted, second.deferred_deletes::<JiraProject>()), (0, 1));
        assert_eq!(mock.run(projects).await?.counts::<JiraProject>().deleted, 1);
        assert_eq!(mock.deleted::<JiraProject>().await, ["3"]);
        Ok(())
    }
}
