//! The key `proxy`: request settings.

use std::time::Duration;

use nango_grammar::segment::dot_segment;
use reqwest::Method;

use super::{
    errors,
    key_reader::{KeyReader, scalar_text},
    paginate,
};
use crate::provider::{BodyWait, Param, Proxy, Refusal, RetryRules, StatusRange, Verification, WaitFormat};

pub(super) fn read(keys: KeyReader<'_>) -> Result<Proxy, String> {
    // Bodies are always decompressed.
    keys.ignore(&["decompress"]);
    let diagnostics = keys.diagnostics();
    let mut proxy = Proxy {
        base_url: keys.template("base_url")?,
        headers: keys.headers("headers")?,
        query: keys.templates("query")?,
        body: keys.fields("body")?,
        forward_headers: keys.flag("forward_headers_on_redirect")?,
        required_config: keys.pairs("connection_config")?.into_iter().map(|(name, _)| name.to_owned()).collect(),
        ..Proxy::default()
    };
    proxy.paginate = diagnostics
        .ok_or_record(keys.map("paginate").and_then(|below| below.map(paginate::read).transpose()))
        .flatten();
    proxy.errors = diagnostics.ok_or_record(errors::read(&keys)).unwrap_or_default();
    proxy.retry = diagnostics
        .ok_or_record(keys.map("retry").and_then(|below| below.map(retry).transpose()))
        .flatten()
        .unwrap_or_default();
    proxy.verification = diagnostics
        .ok_or_record(keys.map("verification").and_then(|below| below.map(verification).transpose()))
        .flatten();
    keys.warn_about_unread();
    Ok(proxy)
}

fn retry(keys: KeyReader<'_>) -> Result<RetryRules, String> {
    let headers = |key: &'static str| {
        keys.strings(key)?.iter().map(|name| keys.parse_header_name(key, name)).collect::<Result<Vec<_>, _>>()
    };
    let codes = keys.strings("error_code")?;
    let codes = codes
        .iter()
        .map(|text| text.parse::<StatusRange>().map_err(|error| format!("`{}`: {error}", keys.path("error_code"))));
    let rules = RetryRules {
        retry_at_headers: headers("at")?,
        retry_after_headers: headers("after")?,
        remaining_header: keys
            .string("remaining")?
            .map(|name| keys.parse_header_name("remaining", &name))
            .transpose()?,
        retryable_statuses: codes.collect::<Result<_, _>>()?,
        body_wait: keys.map("in_body")?.map(in_body).transpose()?,
        // Extensions of the format.
        limit_wait: keys.number("limit_wait")?.map(Duration::from_secs),
        shared_quota: keys.flag("shared")?,
    };
    keys.warn_about_unread();
    Ok(rules)
}

fn in_body(keys: KeyReader<'_>) -> Result<BodyWait, String> {
    let text = |key: &'static str| keys.string(key)?.ok_or_else(|| format!("`{}` is missing", keys.path(key)));
    let pattern = text("value")?.parse().map_err(|error| format!("`{}`: {error}", keys.path("value")))?;
    let strategy: WaitFormat =
        text("strategy")?.parse().map_err(|error| format!("`{}`: {error}", keys.path("strategy")))?;
    let rule = BodyWait { path: text("path")?, pattern, format: strategy };
    keys.warn_about_unread();
    Ok(rule)
}

fn verification(keys: KeyReader<'_>) -> Result<Verification, String> {
    let endpoints = keys.strings("endpoints")?;
    if endpoints.is_empty() {
        return Err(format!("`{}` is missing", keys.path("endpoints")));
    }
    if let Some(segment) = endpoints.iter().find_map(|text| dot_segment(text)) {
        let path = keys.path("endpoints");
        return Err(format!("`{path}`: the segment `{segment}` leads to another path: write the path without it"));
    }
    let endpoints = endpoints.iter().map(|text| keys.parse_template("endpoints", text));
    let mut verification = Verification::new(endpoints.collect::<Result<_, _>>()?);
    if let Some(method) = keys.get("method").and_then(scalar_text) {
        verification.method = match method.to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            _ => {
                return Err(format!(
                    "unknown value `{method}` of `{}`; available: `GET` and `POST`",
                    keys.path("method")
                ));
            }
        };
    }
    verification.headers = keys.headers("headers")?;
    verification.base_url = keys.template("base_url_override")?;
    let data = keys.get("data").map(Param::from_json).transpose();
    verification.data = data.map_err(|error| format!("`{}`: {error}", keys.path("data")))?;
    // An extension of the format.
    verification.refusal = keys.map("error")?.map(refusal).transpose()?;
    keys.warn_about_unread();
    Ok(verification)
}

fn refusal(keys: KeyReader<'_>) -> Result<Refusal, String> {
    let missing = |key: &str| format!("`{}` is missing", keys.path(key));
    let when = keys.string("when")?.ok_or_else(|| missing("when"))?;
    let is = keys.get("is").ok_or_else(|| missing("is"))?;
    if is.is_object() || is.is_array() {
        return Err(format!("`{}` must be a text, a number, true or false", keys.path("is")));
    }
    let refusal = Refusal::new(when, is.clone(), keys.string("message")?);
    keys.warn_about_unread();
    Ok(refusal)
}
