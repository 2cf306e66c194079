//! Links in bodies.

use url::Url;

/// The URL of a link in a body. One that begins with `/` is an endpoint below the base URL, as in Nango, unless it
/// repeats the base URL's path; any other is relative to the answer that holds it.
pub(super) fn resolve(base: &Url, answered: &Url, target: &str) -> Result<Url, String> {
    let own = base.path().trim_end_matches('/');
    let below = target.starts_with('/') && !target.starts_with("//");
    let repeats = target.strip_prefix(own).is_some_and(|rest| rest.starts_with(['/', '?']));
    let joined = if below && !own.is_empty() && !repeats {
        base.join(&format!("{own}{target}"))
    } else if below {
        base.join(target)
    } else {
        answered.join(target)
    };
    joined.map_err(|error| error.to_string())
}
