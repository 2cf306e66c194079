//! Labels of a repository: the five operations of a REST resource as actions.

use nango_core::prelude::*;

/// A label of a repository.
#[model]
pub struct GithubLabel {
    /// Id of the label.
    pub id: u64,
    /// Name of the label.
    pub name: String,
    /// Colour, as six hexadecimal digits without `#`.
    pub color: String,
    /// Description of the label.
    pub description: Option<String>,
}

/// The repository whose labels are listed.
#[model]
pub struct LabelsInput {
    /// Account that owns the repository.
    pub owner: String,
    /// Name of the repository.
    pub repo: String,
}

/// A label of a repository, by name.
#[model]
pub struct LabelInput {
    /// Account that owns the repository.
    pub owner: String,
    /// Name of the repository.
    pub repo: String,
    /// Name of the label.
    pub name: String,
}

/// A label to create.
#[model]
pub struct CreateLabelInput {
    /// Account that owns the repository.
    pub owner: String,
    /// Name of the repository.
    pub repo: String,
    /// Name of the label.
    pub name: String,
    /// Colour, as six hexadecimal digits without `#`.
    pub color: String,
}

/// A change to a label. Fields that are not given are unchanged.
#[model]
pub struct UpdateLabelInput {
    /// Account that owns the repository.
    pub owner: String,
    /// Name of the repository.
    pub repo: String,
    /// Name of the label.
    pub name: String,
    /// New name.
    pub new_name: Option<String>,
    /// New colour, as six hexadecimal digits without `#`.
    pub color: Option<String>,
}

/// Lists the labels of a repository.
#[action(scopes("repo"))]
pub async fn list_labels(nango: NangoAction, input: LabelsInput) -> Result<Vec<GithubLabel>> {
    let mut labels = Vec::new();
    let LabelsInput { owner, repo } = input;
    let mut pages = nango.paginate(nango.get(path!("/repos/{owner}/{repo}/labels")), Paginate::provider());
    while let Some(page) = pages.next().await? {
        labels.extend(page);
    }
    Ok(labels)
}

/// Returns a label by name, or `null` if it does not exist.
#[action(scopes("repo"))]
pub async fn get_label(nango: NangoAction, input: LabelInput) -> Result<Option<GithubLabel>> {
    let LabelInput { owner, repo, name } = input;
    nango.get(path!("/repos/{owner}/{repo}/labels/{name}")).optional().json().await
}

/// Creates a label in a repository.
#[action(scopes("repo"))]
pub async fn create_label(nango: NangoAction, input: CreateLabelInput) -> Result<GithubLabel> {
    let CreateLabelInput { owner, repo, name, color } = input;
    let label = json!({ "name": name, "color": color });
    nango.post(path!("/repos/{owner}/{repo}/labels")).body(&label).json().await
}

/// Changes the name or the colour of a label.
#[action(scopes("repo"))]
pub async fn update_label(nango: NangoAction, input: UpdateLabelInput) -> Result<GithubLabel> {
    let UpdateLabelInput { owner, repo, name, new_name, color } = input;
    let mut changes = serde_json::Map::new();
    changes.extend(new_name.map(|name| ("new_name".to_owned(), name.into())));
    changes.extend(color.map(|color| ("color".to_owned(), color.into())));
    nango.patch(path!("/repos/{owner}/{repo}/labels/{name}")).body(&changes).json().await
}

/// Deletes a label. Returns whether it existed.
#[action(scopes("repo"))]
pub async fn delete_label(nango: NangoAction, input: LabelInput) -> Result<bool> {
    let LabelInput { owner, repo, name } = input;
    match nango.delete(path!("/repos/{owner}/{repo}/labels/{name}")).optional().await? {
        None => Ok(false),
        Some(response) if response.status() == 204 => Ok(true),
        Some(response) => {
            let message = format!("the label may still exist: expected status 204, got {}", response.status());
            Err(ActionError::new(message).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    fn label(name: &str) -> LabelInput {
        LabelInput { owner: "octo".into(), repo: "demo".into(), name: name.into() }
    }

    fn bug() -> LabelInput {
        label("bug")
    }

    #[tokio::test]
    async fn missing_label_is_none() -> Result<()> {
        let path = "/repos/octo/demo/labels/bug";
        let mock = Mock::new().reply_with(path, 404, json!({ "message": "Not Found" })).always();
        assert_eq!(get_label(mock.nango(), bug()).await?, None);
        assert!(!delete_label(mock.nango(), bug()).await?);
        Ok(())
    }

    #[tokio::test]
    async fn name_with_separators_is_one_path_segment() -> Result<()> {
        let names = [
            ("C#", "C%23"),
            ("what?", "what%3F"),
            ("a/b", "a%2Fb"),
            ("../../other", "..%2F..%2Fother"),
            ("%2e%2e", "%252e%252e"),
        ];
        for (name, segment) in names {
            let path = format!("/repos/octo/demo/labels/{segment}");
            let mock = Mock::new().reply_with(&path, 204, Value::Null);
            assert!(delete_label(mock.nango(), label(name)).await?);
            assert_eq!(mock.received_requests()[0].path, path);
        }
        Ok(())
    }

    #[tokio::test]
    async fn name_with_path_traversal_is_refused_without_request() {
        for name in ["", ".", ".."] {
            let mock = Mock::new();
            let error = delete_label(mock.nango(), label(name)).await.unwrap_err();
            assert!(error.to_string().starts_with(&format!("`name` is {name:?} in the path")), "{error}");
            assert!(mock.received_requests().is_empty());
        }
    }

    #[tokio::test]
    async fn unexpected_delete_response_is_an_error() {
        let mock = Mock::new().reply("/repos/octo/demo/labels/bug", json!([]));
        let error = delete_label(mock.nango(), bug()).await.unwrap_err();
        assert_eq!(error.to_string(), "the label may still exist: expected status 204, got 200");
    }

    #[tokio::test]
    async fn response_without_label_is_an_error() {
        for body in [json!({}), json!([]), json!("<html>"), Value::Null] {
            let mock = Mock::new().reply_with("/repos/octo/demo/labels", 201, body);
            let LabelInput { owner, repo, name } = bug();
            let input = CreateLabelInput { owner, repo, name, color: "BADA55".into() };
            assert!(create_label(mock.nango(), input).await.is_err());
        }
    }

    #[tokio::test]
    async fn only_given_fields_are_sent() -> Result<()> {
        let label = json!({ "id": 1, "name": "bug", "color": "BADA55", "description": null });
        let mock = Mock::new().reply("/repos/octo/demo/labels/bug", label);
        let LabelInput { owner, repo, name } = bug();
        let input = UpdateLabelInput { owner, repo, name, new_name: None, color: Some("BADA55".into()) };
        assert_eq!(update_label(mock.nango(), input).await?.color, "BADA55");
        assert_eq!(mock.received_requests()[0].json(), json!({ "color": "BADA55" }));
        Ok(())
    }
}
