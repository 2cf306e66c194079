//! Checks of the addresses in `nango.toml`. No text of them quotes a value.

use url::Url;

use crate::redact::has_userinfo;

/// Checks the base URL of an integration.
pub(super) fn check_base_url(text: &str) -> Result<(), &'static str> {
    let url =
        Url::parse(text).map_err(|_| "is not a URL: write it in full, such as \"https://ghe.example.com/api/v3\"")?;
    if !matches!(url.scheme(), "http" | "https") {
        Err("must begin with https:// (or http://)")
    } else if has_userinfo(&url) {
        Err("must not contain a user or a password: they belong to a connection, see `connection add`")
    } else if url.query().is_some() || url.fragment().is_some() {
        Err("must end with its path: parameters belong to the requests of the functions")
    } else {
        Ok(())
    }
}

/// Checks an origin: scheme, host and port, and nothing else.
pub(super) fn check_origin(text: &str) -> Result<(), &'static str> {
    const EXPECTED: &str = "must list origins: a scheme, a host and, if it is not the usual one, a port, such as \"https://api.example.com:8443\"";
    let url = Url::parse(text).map_err(|_| EXPECTED)?;
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if web && bare && !has_userinfo(&url) { Ok(()) } else { Err(EXPECTED) }
}

/// Whether a database URL has a password in it, before its host or among its parameters.
pub(super) fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let user = address.rsplit_once('@').map_or("", |(user, _)| user);
    user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
        || parameters.split('&').any(|parameter| parameter.starts_with("password="))
}
