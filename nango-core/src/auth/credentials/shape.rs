//! Keys of the credentials of each auth mode.

use crate::provider::AuthMode;

/// Keys of an auth mode.
pub(super) struct Shape {
    /// Required keys. Of each group, one is enough.
    pub(super) required: &'static [&'static [&'static str]],
    /// Optional keys.
    pub(super) optional: &'static [&'static str],
    /// Whether the provider entry defines further keys.
    pub(super) extensible: bool,
}

const TOKEN_FIELDS: &[&str] = &["token", "refresh_token", "expires_at", "raw"];
const OAUTH2_FIELDS: &[&str] = &["refresh_token", "expires_at", "config_override", "raw"];

/// Returns the keys of the credentials of a mode.
pub(super) const fn shape(mode: AuthMode) -> Shape {
    match mode {
        AuthMode::ApiKey => Shape { required: &[&["apiKey"]], optional: &[], extensible: false },
        AuthMode::Basic | AuthMode::InstallPlugin => {
            Shape { required: &[&["username"]], optional: &["password"], extensible: false }
        }
        AuthMode::Bearer => Shape { required: &[&["access_token", "token"]], optional: &[], extensible: false },
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => {
            Shape { required: &[&["access_token", "refresh_token"]], optional: OAUTH2_FIELDS, extensible: false }
        }
        AuthMode::OAuth2Cc => Shape {
            required: &[&["client_id"]],
            optional: &["client_secret", "client_certificate", "client_private_key", "token", "expires_at", "raw"],
            extensible: true,
        },
        AuthMode::TwoStep | AuthMode::Jwt => Shape { required: &[], optional: TOKEN_FIELDS, extensible: true },
        AuthMode::OAuth1 => Shape {
            required: &[&["oauth_token"], &["oauth_token_secret"]],
            optional: &["config_override", "raw"],
            extensible: false,
        },
        AuthMode::Tba => {
            Shape { required: &[&["token_id"], &["token_secret"]], optional: &["config_override"], extensible: false }
        }
        AuthMode::App | AuthMode::Custom => Shape {
            required: &[&["installation_id", "access_token"]],
            optional: &["app_id", "access_token", "expires_at", "raw", "jwtToken"],
            extensible: false,
        },
        AuthMode::Signature => {
            Shape { required: &[&["username"], &["password"]], optional: &["token", "expires_at"], extensible: false }
        }
        AuthMode::AwsSigV4 => Shape {
            required: &[&["access_key_id"], &["secret_access_key"], &["region"], &["service"]],
            optional: &["session_token", "role_arn", "expires_at", "external_id", "raw"],
            extensible: false,
        },
        AuthMode::Bill => Shape {
            required: &[&["username"], &["password"], &["organization_id"], &["dev_key"]],
            optional: &["session_id", "user_id", "expires_at", "raw"],
            extensible: false,
        },
        AuthMode::None => Shape { required: &[], optional: &[], extensible: false },
    }
}

/// Returns the keys that may contain the token of a mode. A refreshed token is stored under the first.
pub(super) const fn token_keys(mode: AuthMode) -> &'static [&'static str] {
    match mode {
        AuthMode::ApiKey => &["apiKey"],
        AuthMode::Bearer
        | AuthMode::OAuth2
        | AuthMode::McpOAuth2
        | AuthMode::McpOAuth2Generic
        | AuthMode::App
        | AuthMode::Custom => &["access_token", "token"],
        AuthMode::OAuth2Cc | AuthMode::TwoStep | AuthMode::Jwt | AuthMode::Signature => &["token"],
        AuthMode::Bill => &["session_id"],
        AuthMode::None
        | AuthMode::Basic
        | AuthMode::InstallPlugin
        | AuthMode::OAuth1
        | AuthMode::Tba
        | AuthMode::AwsSigV4 => &[],
    }
}

/// Returns whether a token is obtained with the values that the user entered.
pub(super) const fn obtains_a_token(mode: AuthMode) -> bool {
    matches!(
        mode,
        AuthMode::OAuth2Cc | AuthMode::TwoStep | AuthMode::Jwt | AuthMode::App | AuthMode::Custom | AuthMode::Signature
    )
}
