use nango_core::prelude::*;

/// A project.
#[model]
pub struct JiraProject {
    /// Jira's id of the project.
    pub id: String,
    /// The short name in front of its issues.
    pub key: String,
    /// Its name.
    pub name: String,
    /// `software`, `service_desk`, `business`.
    pub kind: String,
}

/// A project as Jira sends it.
#[model]
pub struct ApiProject {
    /// Jira's id of it.
    pub id: String,
    /// The short name in front of its issues.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    #[serde(rename = "projectTypeKey")]
    pub project_type_key: String,
}

/// Keeps the projects of a site.
///
/// The pages go by an offset, which is spelled out here: projects that are added or deleted while the list is read move the
/// others across the pages, so two walks in a row have to miss a project before it is deleted. Jira may send fewer projects
/// than asked for; `isLast` and `total` in its answers prove the end.
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
