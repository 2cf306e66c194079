//! The labels of a repository, as actions: the five verbs of a REST resource.

use nango_core::prelude::*;

/// A label.
#[model]
pub struct GithubLabel {
    /// GitHub's own number of the label.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its colour, six hexadecimal digits without `#`.
    pub color: String,
    /// What it is for.
    pub description: Option<String>,
}

/// A repository.
#[model]
pub struct LabelsInput {
    /// The account that owns the repository.
    pub owner: String,
    /// The repository.
    pub repo: String,
}

/// A label of a repository, by name.
#[model]
pub struct LabelInput {
    /// The account that owns the repository.
    pub owner: String,
    /// The repository.
    pub repo: String,
    /// The label's name.
    pub name: String,
}

/// A label to create.
#[model]
pub struct CreateLabelInput {
    /// The account that owns the repository.
    pub owner: String,
    /// The repository.
    pub repo: String,
    /// The label's name.
    pub name: String,
    /// Its colour, six hexadecimal digits without `#`.
    pub color: String,
}

/// A change to a label; what is left out stays as it is.
#[model]
pub struct UpdateLabelInput {
    /// The account that owns the repository.
    pub owner: String,
    /// The repository.
    pub repo: String,
    /// The label's name.
    pub name: String,
    /// Its new name.
    pub new_name: Option<String>,
    /// Its new colour.
    pub color: Option<String>,
}

/// Lists the labels of a repository.
#[action(scopes("repo"))]
pub async fn list_labels(nango: NangoAction, input: LabelsInput) -> Result<Vec<GithubLabel>> {
    let mut labels = Vec::new();
    let request = nango.get(format!("/repos/{}/{}/labels", input.owner, input.repo));
    let mut pages = nango.paginate(request, Paginate::provider());
    while let Some(page) = pages.next().await? {
        labels.extend(page);
    }
    Ok(labels)
}

/// Gives a label by its name, or nothing.
#[action(scopes("repo"))]
pub async fn get_label(nango: NangoAction, input: LabelInput) -> Result<Option<GithubLabel>> {
    nango.get(path(&input.owner, &input.repo, &input.name)).optional().json().await
}

/// Creates a label.
#[action(scopes("repo"))]
pub async fn create_label(nango: NangoAction, input: CreateLabelInput) -> Result<GithubLabel> {
    let label = json!({ "name": input.name, "color": input.color });
    nango.post(format!("/repos/{}/{}/labels", input.owner, input.repo)).body(&label).json().await
}

/// Changes the name or the colour of a label.
#[action(scopes("repo"))]
pub async fn update_label(nango: NangoAction, input: UpdateLabelInput) -> Result<GithubLabel> {
    let mut changes = serde_json::Map::new();
    changes.extend(input.new_name.map(|name| ("new_name".to_owned(), name.into())));
    changes.extend(input.color.map(|color| ("color".to_owned(), color.into())));
    nango.patch(path(&input.owner, &input.repo, &input.name)).body(&changes).json().await
}

/// Deletes a label; tells whether it was there.
#[action(scopes("repo"))]
pub async fn delete_label(nango: NangoAction, input: LabelInput) -> Result<bool> {
    Ok(nango.delete(path(&input.owner, &input.repo, &input.name)).optional().await?.is_some())
}

fn path(owner: &str, repo: &str, name: &str) -> String {
    format!("/repos/{owner}/{repo}/labels/{name}")
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    fn bug() -> LabelInput {
        LabelInput { owner: "octo".into(), repo: "demo".into(), name: "bug".into() }
    }

    #[tokio::test]
    async fn a_label_that_is_not_there_is_nothing() -> Result<()> {
        let mock = Mock::new().reply_with("/repos/octo/demo/labels/bug", 404, json!({ "message": "Not Found" }));
        assert_eq!(get_label(mock.nango(), bug()).await?, None);
        assert!(!delete_label(mock.nango(), bug()).await?);
        Ok(())
    }

    #[tokio::test]
    async fn only_what_changes_is_sent() -> Result<()> {
        let label = json!({ "id": 1, "name": "bug", "color": "BADA55", "description": null });
        let mock = Mock::new().reply("/repos/octo/demo/labels/bug", label);
        let LabelInput { owner, repo, name } = bug();
        let input = UpdateLabelInput { owner, repo, name, new_name: None, color: Some("BADA55".into()) };
        assert_eq!(update_label(mock.nango(), input).await?.color, "BADA55");
        assert_eq!(mock.requests()[0].json(), json!({ "color": "BADA55" }));
        Ok(())
    }
}
