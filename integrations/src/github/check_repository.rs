use nango_core::prelude::*;

/// Refuses a connection if its credentials cannot read the repository in its metadata.
///
/// A connection without a repository in its metadata is accepted.
#[on_event(validate_connection)]
pub async fn check_repository(nango: NangoAction) -> Result<()> {
    let metadata = nango.metadata_map().await?;
    let (Some(owner), Some(repo)) =
        (metadata.get("owner").and_then(Value::as_str), metadata.get("repo").and_then(Value::as_str))
    else {
        return Ok(());
    };
    if nango.get(path!("/repos/{owner}/{repo}")).optional().await?.is_none() {
        let message = format!("the repository {owner}/{repo} does not exist, or these credentials cannot read it");
        return Err(ActionError::new(message).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    #[tokio::test]
    async fn request_is_sent_only_when_repository_is_set() {
        assert!(Mock::new().run(check_repository).await.is_ok());

        let named = || Mock::new().metadata(json!({ "owner": "octo", "repo": "demo" }));
        assert!(named().reply("/repos/octo/demo", json!({})).run(check_repository).await.is_ok());

        let missing = named().reply_with("/repos/octo/demo", 404, json!({ "message": "Not Found" }));
        let refused = missing.run(check_repository).await.unwrap_err();
        let expect = "the repository octo/demo does not exist, or these credentials cannot read it";
        assert_eq!(refused.to_string(), expect);
    }

    #[tokio::test]
    async fn metadata_with_path_traversal_is_refused_without_request() {
        let mock = Mock::new().metadata(json!({ "owner": "..", "repo": "user" }));
        let refused = mock.run(check_repository).await.unwrap_err();
        let expect =
            "`owner` is \"..\" in the path `/repos/{owner}/{repo}`: a value in a path must not be empty, `.` or `..`";
        assert_eq!(refused.to_string(), expect);
        assert!(mock.received_requests().is_empty());
    }
}
