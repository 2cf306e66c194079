//! Checks of the URLs in `nango.toml`. Their messages never quote a value.

use url::Url;

use crate::redact::has_userinfo;

/// Checks the base URL of an integration: http or https, without user, password, query and fragment.
pub(super) fn check_base_url(text: &str) -> Result<(), &'static str> {
    let url =
        Url::parse(text).map_err(|_| "is not a URL: write it in full, such as \"https://ghe.example.com/api/v3\"")?;
    if !matches!(url.scheme(), "http" | "https") {
        Err("must begin with https:// (or http://)")
    } else if has_userinfo(&url) {
        Err("must not contain a user or a password: add them to a connection with `connection add`")
    } else if url.query().is_some() || url.fragment().is_some() {
        Err("must not have a query or a fragment: set parameters in the requests of the functions")
    } else {
        Ok(())
    }
}

/// Checks a trusted origin, which has scheme, host and port only.
pub(super) fn check_origin(text: &str) -> Result<(), &'static str> {
    const EXPECTED: &str =
        "must list origins: scheme, host and, unless it is the default, port, such as \"https://api.example.com:8443\"";
    let url = Url::parse(text).map_err(|_| EXPECTED)?;
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    if is_http && bare && !has_userinfo(&url) { Ok(()) } else { Err(EXPECTED) }
}

/// Returns whether a database URL has a password, before its host or among its parameters.
pub(super) fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let user = address.rsplit_once('@').map_or("", |(user, _)| user);
    user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
        || parameters.split('&').any(|parameter| parameter.starts_with("password="))
}
