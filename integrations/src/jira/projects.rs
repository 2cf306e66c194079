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
    use super::*;

    #[test]
    fn kind_is_jira_project_type() -> Result<()> {
        let raw =
            json!({ "id": "10000", "key": "EX", "name": "Example", "projectTypeKey": "software", "style": "classic" });
        let project = projects(serde_json::from_value(raw)?);
        assert_eq!((project.key.as_str(), project.kind.as_str()), ("EX", "software"));
        Ok(())
    }
}
