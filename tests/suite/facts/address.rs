//! Comparison of URLs with variable parts: `${…}` in an entry, `{…}` in a description.

/// Replacement of every variable part.
const PLACEHOLDER: &str = "{}";

/// Returns whether two hosts may be the same; variable parts match anything. `acme.test` and `*.acme.test` differ.
pub(super) fn same_host(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (normalized(host(ours)), normalized(host(theirs)));
    if ours == PLACEHOLDER || theirs == PLACEHOLDER {
        return true;
    }
    let (ours, theirs): (Vec<_>, Vec<_>) = (ours.split('.').collect(), theirs.split('.').collect());
    ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(ours, theirs)| same_label(ours, theirs))
}

/// Returns whether the whole host of an address is variable.
pub(super) fn has_variable_host(address: &str) -> bool {
    normalized(host(address)) == PLACEHOLDER
}

/// Compares two labels of a host. A description without variables has an example there: `your-domain.atlassian.net`.
fn same_label(ours: &str, theirs: &str) -> bool {
    ours == theirs || ours.contains(PLACEHOLDER) || theirs.contains(PLACEHOLDER)
}

/// Returns whether two addresses may be the same; variable parts match anything.
pub(super) fn same_address(ours: &str, theirs: &str) -> bool {
    same_host(ours, theirs) && normalized(path(ours)) == normalized(path(theirs))
}

/// Returns whether a path of an entry matches a path of a description.
pub(super) fn same_path(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (normalized(ours), normalized(theirs));
    let (ours, theirs) = (ours.trim_end_matches('/').split('/'), theirs.trim_end_matches('/').split('/'));
    ours.clone().count() == theirs.clone().count()
        && ours.zip(theirs).all(|(ours, theirs)| ours == theirs || theirs == PLACEHOLDER)
}

/// Returns the path of an address, without its query.
pub(super) fn path(address: &str) -> &str {
    let behind = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = behind.find('/').map_or("", |start| &behind[start..]);
    path.split('?').next().unwrap_or_default()
}

fn host(address: &str) -> &str {
    let behind = address.split_once("://").map_or(address, |(_, rest)| rest);
    behind.split('/').next().unwrap_or_default()
}

/// Replaces each variable part by [`PLACEHOLDER`].
fn normalized(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        plain.push_str(before.strip_suffix('$').unwrap_or(before));
        plain.push_str(PLACEHOLDER);
        rest = behind.split_once('}').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[test]
fn addresses_with_placeholders_are_compared_by_fixed_parts() {
    assert!(same_host("https://${connectionConfig.subdomain}.acme.test/api", "https://your-domain.acme.test"));
    assert!(same_host("https://${connectionConfig.hostname}", "https://acme.test"));
    assert!(!same_host("https://api.acme.test", "https://acme.test/api"));
    assert!(same_address("https://a.test/${connectionConfig.t}/token", "https://a.test/{tenant}/token"));
    assert!(!same_address("https://a.test/v1/token", "https://a.test/token"));
    assert!(same_path("/v1/users/me", "/v1/users/{userId}") && same_path("/v1/A/${c.x}.json", "/v1/A/{Sid}.json"));
    assert!(!same_path("/v1/users/${c.x}", "/v1/users/me") && !same_path("/v1/users", "/v1/users/me"));
    assert_eq!(path("https://a.test/v1/me?fields=id"), "/v1/me");
}
