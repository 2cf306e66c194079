//! Parameters that a mapper declares twice: in the endpoint, and by `paginate(…)` or `since(…)`.

use syn::LitStr;

use crate::args::Errors;

/// Reports each parameter of the pages or of `since` that is also in the query of the endpoint, or that both have.
/// `parameters` are the keys with the names of their parameters.
pub(crate) fn check(endpoint: &str, parameters: &[(&str, &LitStr)], errors: &mut Errors) {
    let in_endpoint = query_names(endpoint);
    for (i, (key, name)) in parameters.iter().enumerate() {
        let value = name.value();
        if in_endpoint.contains(&value) {
            let message = format!("`{key}` sets the parameter `{value}`: remove it from the query of the endpoint");
            errors.push_at(name.span(), message);
        } else if let Some((other, _)) = parameters[..i].iter().find(|(_, before)| before.value() == value) {
            errors.push_at(name.span(), format!("`{other}` and `{key}` set the same parameter `{value}`"));
        }
    }
}

/// Returns the names of the parameters in the query of an endpoint.
fn query_names(endpoint: &str) -> Vec<String> {
    let query = endpoint.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    // `[` and `]` are the only usual characters of a name that are also written percent-encoded.
    let decoded =
        names.map(|name| name.replace("%5B", "[").replace("%5b", "[").replace("%5D", "]").replace("%5d", "]"));
    decoded.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    #[test]
    fn parameter_that_is_set_twice_is_reported() {
        let text = |text: &str| LitStr::new(text, Span::call_site());
        let messages = |endpoint: &str, names: &[(&'static str, &str)]| {
            let names: Vec<(&str, LitStr)> = names.iter().map(|(key, name)| (*key, text(name))).collect();
            let names: Vec<(&str, &LitStr)> = names.iter().map(|(key, name)| (*key, name)).collect();
            let mut errors = Errors::default();
            check(endpoint, &names, &mut errors);
            errors.into_tokens().to_string()
        };
        let cursor = ("cursor", "page[after]");
        for endpoint in ["/a?page[after]=1", "/a?b=1&page%5Bafter%5D=&c", "/{id}/a?page%5bafter%5d"] {
            let got = messages(endpoint, &[cursor]);
            assert!(got.contains("remove it from the query of the endpoint"), "{endpoint}: {got}");
        }
        let got = messages("/a", &[("cursor", "after"), ("since", "after")]);
        assert!(got.contains("`cursor` and `since` set the same parameter `after`"), "{got}");
        for endpoint in ["/a", "/page[after]", "/a?page=1#page[after]=2", "/a?b=page[after]"] {
            assert_eq!(messages(endpoint, &[cursor, ("since", "since")]), "", "{endpoint}");
        }
    }
}
