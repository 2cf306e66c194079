//! `proxy`: how an API is called.

use std::time::Duration;

use reqwest::Method;

use super::{
    keys::{Keys, plain},
    paginate,
};
use crate::declare::dot_segment;
use crate::provider::{InBody, Param, Proxy, Refusal, RetryRules, StatusRange, Strategy, Verification};

pub(super) fn read(keys: Keys<'_>) -> Result<Proxy, String> {
    // Bodies are always unpacked.
    keys.pass(&["decompress"]);
    let notes = keys.notes();
    let mut proxy = Proxy {
        base_url: keys.template("base_url")?,
        headers: keys.headers("headers")?,
        query: keys.templates("query")?,
        body: keys.fields("body")?,
        forward_headers: keys.switch("forward_headers_on_redirect")?,
        config: keys.pairs("connection_config")?.into_iter().map(|(name, _)| name.to_owned()).collect(),
        ..Proxy::default()
    };
    proxy.paginate = notes.keep(keys.map("paginate").and_then(|below| below.map(paginate::read).transpose())).flatten();
    proxy.retry =
        notes.keep(keys.map("retry").and_then(|below| below.map(retry).transpose())).flatten().unwrap_or_default();
    proxy.verification =
        notes.keep(keys.map("verification").and_then(|below| below.map(verification).transpose())).flatten();
    keys.finish();
    Ok(proxy)
}

fn retry(keys: Keys<'_>) -> Result<RetryRules, String> {
    let headers = |key: &'static str| {
        keys.texts(key)?.iter().map(|name| keys.header_of(key, name)).collect::<Result<Vec<_>, _>>()
    };
    let codes = keys.texts("error_code")?;
    let codes = codes
        .iter()
        .map(|text| text.parse::<StatusRange>().map_err(|error| format!("`{}`: {error}", keys.path("error_code"))));
    let rules = RetryRules {
        at: headers("at")?,
        after: headers("after")?,
        remaining: keys.text("remaining")?.map(|name| keys.header_of("remaining", &name)).transpose()?,
        error_code: codes.collect::<Result<_, _>>()?,
        in_body: keys.map("in_body")?.map(in_body).transpose()?,
        // Keys of ours.
        limit_wait: keys.number("limit_wait")?.map(Duration::from_secs),
        shared: keys.switch("shared")?,
    };
    keys.finish();
    Ok(rules)
}

fn in_body(keys: Keys<'_>) -> Result<InBody, String> {
    let text = |key: &'static str| keys.text(key)?.ok_or_else(|| format!("`{}` is missing", keys.path(key)));
    let pattern = text("value")?.parse().map_err(|error| format!("`{}`: {error}", keys.path("value")))?;
    let strategy: Strategy =
        text("strategy")?.parse().map_err(|error| format!("`{}`: {error}", keys.path("strategy")))?;
    let rule = InBody { path: text("path")?, pattern, strategy };
    keys.finish();
    Ok(rule)
}

fn verification(keys: Keys<'_>) -> Result<Verification, String> {
    let endpoints = keys.texts("endpoints")?;
    if endpoints.is_empty() {
        return Err(format!("`{}` is missing", keys.path("endpoints")));
    }
    if let Some(segment) = endpoints.iter().find_map(|text| dot_segment(text)) {
        let place = keys.path("endpoints");
        return Err(format!("`{place}`: the segment `{segment}` leads to another path: write the path without it"));
    }
    let endpoints = endpoints.iter().map(|text| keys.template_of("endpoints", text));
    let mut verification = Verification::new(endpoints.collect::<Result<_, _>>()?);
    if let Some(method) = keys.get("method").and_then(plain) {
        verification.method = match method.to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            _ => return Err(format!("`{}: {method}` is not known: write `GET` or `POST`", keys.path("method"))),
        };
    }
    verification.headers = keys.headers("headers")?;
    verification.base_url = keys.template("base_url_override")?;
    let data = keys.get("data").map(Param::from_json).transpose();
    verification.data = data.map_err(|error| format!("`{}`: {error}", keys.path("data")))?;
    // A key of ours.
    verification.refusal = keys.map("error")?.map(refusal).transpose()?;
    keys.finish();
    Ok(verification)
}

fn refusal(keys: Keys<'_>) -> Result<Refusal, String> {
    let missing = |key: &str| format!("`{}` is missing", keys.path(key));
    let when = keys.text("when")?.ok_or_else(|| missing("when"))?;
    let is = keys.get("is").ok_or_else(|| missing("is"))?;
    if is.is_object() || is.is_array() {
        return Err(format!("`{}` must be a text, a number, true or false", keys.path("is")));
    }
    let refusal = Refusal::new(when, is.clone(), keys.text("message")?);
    keys.finish();
    Ok(refusal)
}
