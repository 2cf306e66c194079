use nango_core::prelude::*;

/// A member of a Slack workspace.
#[model]
pub struct SlackUser {
    /// Id of the user, such as `U123`.
    pub id: String,
    /// Short name of the user.
    pub name: String,
    /// Full name of the user.
    pub real_name: Option<String>,
    /// Email address of the user, which requires the scope `users:read.email`.
    pub email: Option<String>,
    /// Whether the user is a bot.
    pub is_bot: bool,
}

/// A user as Slack sends it.
#[derive(Deserialize)]
pub struct ApiUser {
    id: String,
    name: String,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    profile: ApiProfile,
}

/// Profile of a user.
#[derive(Default, Deserialize)]
pub struct ApiProfile {
    real_name: Option<String>,
    email: Option<String>,
}

/// Syncs the users of a workspace. A deactivated user is deleted.
///
/// Slack reports an error with status 200 and `ok: false`, which the provider's entry in the catalogue declares.
#[sync(
    model = "SlackUser",
    frequency = "every hour",
    endpoint = "/users.list",
    paginate(limit = 200, response_path = "members"),
    track_deletes,
    scopes("users:read", "users:read.email")
)]
pub fn users(user: ApiUser) -> Option<SlackUser> {
    let ApiUser { id, name, deleted, is_bot, profile: ApiProfile { real_name, email } } = user;
    (!deleted).then_some(SlackUser { id, name, real_name, email, is_bot })
}

#[cfg(test)]
mod tests {
    use nango_core::testing::Mock;

    use super::*;

    fn page(members: &[Value], cursor: &str) -> Value {
        json!({ "ok": true, "members": members, "response_metadata": { "next_cursor": cursor } })
    }

    fn user(id: &str, deleted: bool) -> Value {
        let profile = json!({ "real_name": "Ada", "email": "ada@example.com" });
        json!({ "id": id, "name": "ada", "deleted": deleted, "profile": profile })
    }

    #[tokio::test]
    async fn deactivated_users_are_deleted() -> Result<()> {
        let mock = Mock::new()
            .on("GET", "/users.list?limit=200")
            .reply(page(&[user("U1", false), user("U2", false)], "c2"))
            .on("GET", "/users.list?cursor=c2")
            .reply(page(&[user("U3", false)], ""))
            .on("GET", "/users.list")
            .reply(page(&[user("U1", false), user("U2", true), user("U3", false)], ""));

        assert_eq!(mock.run(users).await?.counts::<SlackUser>().added, 3);
        assert_eq!(mock.run(users).await?.counts::<SlackUser>().deleted, 1);

        assert_eq!(mock.deleted::<SlackUser>().await, ["U2"]);
        assert_eq!(mock.saved::<SlackUser>().await[0].email.as_deref(), Some("ada@example.com"));
        Ok(())
    }

    #[tokio::test]
    async fn error_with_status_200_fails_the_run_and_deletes_nothing() -> Result<()> {
        let mock = Mock::new()
            .reply("/users.list", page(&[user("U1", false)], ""))
            .reply("/users.list", json!({ "ok": false, "error": "invalid_auth" }));
        mock.run(users).await?;

        let error = mock.run(users).await.unwrap_err();

        assert!(error.to_string().contains("invalid_auth"), "{error}");
        assert_eq!(mock.saved::<SlackUser>().await.len(), 1);
        Ok(())
    }
}
