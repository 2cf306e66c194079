//! The request of a mapper's list: endpoint, method, query, headers and body, as declared and with the connection's
//! metadata. It is built once per run, so that all pages of a walk send the same request.

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::{
    declare::{
        Each, EachRequest, EachScope, Endpoint, InitialValues, ListMethod, ListRequest, Mapper, ParentSource,
        RequestValues, SharedMetadata, Since, SinceFormat,
    },
    error::{Error, ErrorKind, Result},
    http::{Body, Method, RequestSpec},
    nango::{Context, Nango},
    paginate::{PaginateError, set_body_field},
    run::since,
    time::Timestamp,
};

/// Request of one list.
pub(super) struct ListSpec {
    /// Request with the declared errors, without the parameters of pages, `since` and `delta`.
    pub(super) request: RequestSpec,
    /// Parameters of `delta(initial(…))`, which are sent without a position.
    pub(super) initial: Vec<(&'static str, Value)>,
}

/// Builds the request of the list, and decodes the metadata that the mapper takes.
///
/// # Errors
///
/// Fails if the metadata of the connection does not fit its type, or a value cannot be sent.
pub(super) async fn build(context: &Arc<Context>, mapper: &Mapper) -> Result<(ListSpec, Option<SharedMetadata>)> {
    let Mapper { endpoint, request, map, delta, .. } = mapper;
    let decode = map.metadata();
    let initial = delta.and_then(|delta| delta.initial);
    let needs_metadata =
        request.has_values() || matches!(endpoint, Endpoint::Metadata(..)) || decode.is_some() || initial.is_some();
    let metadata =
        if needs_metadata { Value::Object(Nango::new(context.clone()).metadata_map().await?) } else { Value::Null };
    let built = filled(endpoint, request, mapper.retries, &metadata);
    let built = built.and_then(|mut spec| {
        add_errors(context, mapper, &mut spec);
        let list = ListSpec { request: spec, initial: initial_values(initial, &metadata)? };
        Ok((list, decode.map(|decode| decode(metadata)).transpose()?))
    });
    built.map_err(|error| match error.kind() {
        ErrorKind::Connection => context.metadata_error(error),
        _ => error,
    })
}

/// Reads and decodes the metadata that a mapper with `each` uses. Returns it as JSON too; null if it is not used.
///
/// # Errors
///
/// Fails if the metadata of the connection does not fit its type.
pub(super) async fn each_metadata(context: &Arc<Context>, each: &Each) -> Result<(Option<SharedMetadata>, Value)> {
    let Some(decode) = each.metadata else { return Ok((None, Value::Null)) };
    let metadata = Value::Object(Nango::new(context.clone()).metadata_map().await?);
    let decoded = decode(metadata.clone()).map_err(|error| context.metadata_error(error))?;
    Ok((Some(decoded), metadata))
}

/// Builds the request of a parent's list.
///
/// # Errors
///
/// Fails if a value of the parent or of the metadata cannot be sent.
pub(super) fn of_parent(context: &Context, mapper: &Mapper, each: &Each, scope: &EachScope) -> Result<ListSpec> {
    let endpoint = match mapper.endpoint {
        Endpoint::Fixed(path) => path.to_owned(),
        Endpoint::Each(fill, _) => fill(scope)?,
        Endpoint::Metadata(..) => return Err(Error::msg("the endpoint of a mapper with `each` needs a parent")),
    };
    let mut request = declared(context, mapper, endpoint);
    let EachRequest { query, headers, body } = &each.request;
    if let Some(query) = query {
        request.query = query_of(values(|values| query(scope, values))?);
    }
    if let Some(headers) = headers {
        request.headers = header_map(values(|values| headers(scope, values))?)?;
    }
    if let Some(body) = body {
        request.body = Body::Json(body(scope)?.into());
    }
    let mut initial = RequestValues::default();
    if let Some(InitialValues::Each(read)) = mapper.delta.and_then(|delta| delta.initial) {
        read(scope, &mut initial)?;
    }
    Ok(ListSpec { request, initial: initial.into_values() })
}

/// Returns the request of the lists of all parents, for fingerprints: it has the declared endpoint instead of a filled
/// one, and the names of the parameters and headers without their values. The metadata is part of it unless it lists
/// the parents: another list of parents does not change what a position or a missing record means.
pub(super) fn of_all_parents(context: &Context, mapper: &Mapper, each: &Each, metadata: &Value) -> ListSpec {
    let endpoint = match mapper.endpoint {
        Endpoint::Fixed(path) | Endpoint::Metadata(_, path) | Endpoint::Each(_, path) => path,
    };
    let mut request = declared(context, mapper, endpoint.to_owned());
    let names = mapper.request.query_names.iter().chain(mapper.request.header_names);
    request.query = names.map(|name| ((*name).to_owned(), String::new())).collect();
    if !metadata.is_null() && matches!(each.parents, ParentSource::Model { .. }) {
        let hash = blake3::hash(metadata.to_string().as_bytes()).to_hex();
        request.query.push(("metadata".to_owned(), hash.to_string()));
    }
    ListSpec { request, initial: Vec::new() }
}

/// Returns a request without query, headers and body.
fn declared(context: &Context, mapper: &Mapper, endpoint: String) -> RequestSpec {
    let mut spec = empty(mapper.request.method, endpoint, mapper.retries);
    add_errors(context, mapper, &mut spec);
    spec
}

fn empty(of: ListMethod, endpoint: String, retries: u32) -> RequestSpec {
    let mut spec = RequestSpec::new(method(of), endpoint).retries(retries);
    // A list is only read, so that a request of it may be repeated whatever its method.
    spec.is_read = true;
    spec
}

fn add_errors(context: &Context, mapper: &Mapper, spec: &mut RequestSpec) {
    spec.error_at = mapper.errors.to_vec();
    context.declare_errors(spec);
}

/// Returns the values of `delta(initial(…))`.
fn initial_values(initial: Option<InitialValues>, metadata: &Value) -> Result<Vec<(&'static str, Value)>> {
    let mut values = RequestValues::default();
    match initial {
        Some(InitialValues::Metadata(read)) => read(metadata.clone(), &mut values)?,
        Some(InitialValues::Each(_)) => return Err(Error::msg("initial values with `each` need a parent")),
        None => {}
    }
    Ok(values.into_values())
}

fn filled(endpoint: &Endpoint, request: &ListRequest, retries: u32, metadata: &Value) -> Result<RequestSpec> {
    let endpoint = match endpoint {
        Endpoint::Fixed(path) => (*path).to_owned(),
        Endpoint::Metadata(fill, _) => fill(metadata.clone())?,
        Endpoint::Each(..) => return Err(Error::msg("an endpoint with `each` needs a parent")),
    };
    let mut spec = empty(request.method, endpoint, retries);
    if let Some(query) = request.query {
        spec.query = query_of(values(|values| query(metadata.clone(), values))?);
    }
    spec.headers = headers(request, metadata)?;
    if let Some(body) = request.body {
        spec.body = Body::Json(body(metadata.clone())?.into());
    }
    Ok(spec)
}

/// Returns the declared headers, which the requests that confirm deletes send too.
fn headers(request: &ListRequest, metadata: &Value) -> Result<HeaderMap> {
    let Some(declared) = request.headers else { return Ok(HeaderMap::new()) };
    header_map(values(|values| declared(metadata.clone(), values))?)
}

fn query_of(pairs: Vec<(&'static str, String)>) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn header_map(pairs: Vec<(&'static str, String)>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let value = HeaderValue::try_from(value).map_err(|error| {
            let message = format!("the value of the header `{name}` contains a character that headers do not allow");
            Error::new(ErrorKind::Internal, error).context(message)
        })?;
        let name = HeaderName::try_from(name).map_err(|error| {
            Error::new(ErrorKind::Internal, error).context(format!("`{name}` is not the name of a header"))
        })?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn values(read: impl FnOnce(&mut RequestValues) -> Result<()>) -> Result<Vec<(&'static str, String)>> {
    let mut values = RequestValues::default();
    read(&mut values)?;
    Ok(values.into_pairs())
}

const fn method(method: ListMethod) -> Method {
    match method {
        ListMethod::Get => Method::GET,
        ListMethod::Post => Method::POST,
        ListMethod::Put => Method::PUT,
        ListMethod::Patch => Method::PATCH,
    }
}

/// Adds the value of `since`: to the body if the request sends its parameters there, otherwise to the query.
///
/// # Errors
///
/// Fails if the body is not a JSON object.
pub(super) fn add_since(
    spec: &mut RequestSpec,
    since: &Since,
    value: Timestamp,
    in_body: Option<bool>,
) -> Result<(), PaginateError> {
    let text = since::format_value(since.format, value);
    if !in_body.unwrap_or(spec.method != Method::GET) {
        spec.query.push((since.param.to_owned(), text));
        return Ok(());
    }
    let value = match since.format {
        SinceFormat::Rfc3339 => Value::from(text),
        SinceFormat::Unix => Value::from(value.as_seconds()),
        SinceFormat::UnixMs => Value::from(value.as_millis()),
    };
    set_body_field(&mut spec.body, since.param, value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REQUEST: ListRequest = ListRequest {
        method: ListMethod::Post,
        query: Some(|metadata, values| values.add("team", &metadata["team"])),
        headers: Some(|metadata, values| values.add("X-Version", &metadata["version"])),
        body: Some(|metadata| Ok(json!({ "team": metadata["team"] }).to_string().into_bytes())),
        ..ListRequest::GET
    };

    #[test]
    fn request_has_the_declared_parts() {
        let metadata = json!({ "team": "a b", "version": 3 });
        let spec = filled(&Endpoint::Fixed("/items"), &REQUEST, 2, &metadata).unwrap();
        assert_eq!(
            (spec.method, spec.endpoint.as_str(), spec.retries, spec.is_read),
            (Method::POST, "/items", 2, true)
        );
        assert_eq!(spec.query, [("team".to_owned(), "a b".to_owned())]);
        assert_eq!(spec.headers["x-version"], "3");
        assert_eq!(spec.body, Body::Json(r#"{"team":"a b"}"#.into()));
        let plain = filled(&Endpoint::Fixed("/items"), &ListRequest::GET, 0, &Value::Null).unwrap();
        assert!(plain.method == Method::GET && plain.body.is_empty() && plain.headers.is_empty());
    }

    #[test]
    fn header_value_with_a_line_break_is_an_error_without_the_value() {
        let metadata = json!({ "version": "hush\r\nx: y" });
        let error = filled(&Endpoint::Fixed("/items"), &REQUEST, 0, &metadata).unwrap_err().to_string();
        assert!(error.contains("the value of the header `X-Version`") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn since_is_sent_in_the_body_of_a_method_with_one() {
        let since = |format| Since {
            param: "filter.since",
            format,
            from: crate::declare::SinceFrom::RunStart,
            overlap: 0,
            full_every: None,
        };
        let at = Timestamp::from_micros(5_000_000);
        let check = |method: Method, format, in_body, body: &str, query: &[&str]| {
            let mut spec = RequestSpec::new(method, "/items");
            add_since(&mut spec, &since(format), at, in_body).unwrap();
            let sent = match &spec.body {
                Body::Json(json) => str::from_utf8(json).unwrap(),
                _ => "",
            };
            assert_eq!(sent, body);
            assert_eq!(spec.query.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), query);
        };
        check(Method::POST, SinceFormat::Unix, None, r#"{"filter":{"since":5}}"#, &[]);
        check(Method::POST, SinceFormat::Rfc3339, None, r#"{"filter":{"since":"1970-01-01T00:00:05Z"}}"#, &[]);
        check(Method::POST, SinceFormat::UnixMs, Some(false), "", &["5000"]);
        check(Method::GET, SinceFormat::Unix, None, "", &["5"]);
    }
}
