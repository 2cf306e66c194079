//! Values for templates, and lookup of values by path.

use std::{borrow::Cow, fmt};

use serde_json::{Map, Value};
use url::Url;

use super::{
    RequestEntropy, ResolveError,
    sign::canonical_query,
    template::{RequestValue, Variable},
};

/// The values that are available to a template. Created by [`TemplateScope::new`] and extended by the caller. Resolving
/// a template that uses another value fails with an error that contains its name.
#[derive(Clone, Copy)]
pub struct TemplateScope<'a> {
    integration: &'a str,
    config: &'a Map<String, Value>,
    credentials: &'a Map<String, Value>,
    token: Option<&'a str>,
    client: Option<(&'a str, &'a str)>,
    signed: Option<&'a str>,
    steps: &'a [Value],
    options: Option<&'a Map<String, Value>>,
    request: Option<&'a RequestParts<'a>>,
    entropy: Option<RequestEntropy>,
}

/// Values of the request to be sent that are available to templates.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    /// Endpoint as given by the caller.
    pub endpoint: &'a str,
    /// Method, such as `GET`.
    pub method: &'a str,
    /// Complete URL, including the query.
    pub url: &'a Url,
    /// Media type of the body.
    pub content_type: Option<&'a str>,
    /// Body of the request.
    pub body: &'a [u8],
}

// Not derived: the query and the body may contain secrets.
impl fmt::Debug for RequestParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestParts").field("method", &self.method).finish_non_exhaustive()
    }
}

// Not derived: the values may be secrets.
impl fmt::Debug for TemplateScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateScope").field("integration", &self.integration).finish_non_exhaustive()
    }
}

impl<'a> TemplateScope<'a> {
    /// Creates a scope with the values of a connection: its integration (for errors), its configuration, and its
    /// credentials in their JSON form.
    pub fn new(integration: &'a str, config: &'a Map<String, Value>, credentials: &'a Map<String, Value>) -> Self {
        Self {
            integration,
            config,
            credentials,
            token: None,
            client: None,
            signed: None,
            steps: &[],
            options: None,
            request: None,
            entropy: None,
        }
    }

    /// Adds the token of the connection, `${accessToken}`.
    #[must_use]
    pub fn token(mut self, token: Option<&'a str>) -> Self {
        self.token = token;
        self
    }

    /// Adds id and secret of the app of the integration, `${clientId}` and `${clientSecret}`.
    #[must_use]
    pub fn client(mut self, client: Option<(&'a str, &'a str)>) -> Self {
        self.client = client;
        self
    }

    /// Adds a signed token, `${token}`.
    #[must_use]
    pub fn signed(mut self, token: Option<&'a str>) -> Self {
        self.signed = token;
        self
    }

    /// Adds the bodies of the previous responses, `${step1.X}`.
    #[must_use]
    pub fn steps(mut self, bodies: &'a [Value]) -> Self {
        self.steps = bodies;
        self
    }

    /// Adds the assertion options, `${assertionOption.X}`.
    #[must_use]
    pub fn options(mut self, options: &'a Map<String, Value>) -> Self {
        self.options = Some(options);
        self
    }

    /// Adds the request, `${path}` and similar values.
    #[must_use]
    pub fn request(mut self, request: &'a RequestParts<'a>) -> Self {
        self.request = Some(request);
        self
    }

    /// Adds the time and the random number, `${now}` and `${random}`. All templates of one request use the same.
    #[must_use]
    pub fn entropy(mut self, entropy: RequestEntropy) -> Self {
        self.entropy = Some(entropy);
        self
    }

    pub(super) fn integration(&self) -> &'a str {
        self.integration
    }

    pub(super) fn request_parts(&self) -> Option<&'a RequestParts<'a>> {
        self.request
    }

    pub(super) fn request_entropy(&self) -> Option<RequestEntropy> {
        self.entropy
    }

    /// Returns a value, which is a text or a number. An empty value counts as missing, unless it is a credential and
    /// `empty_credential` is true.
    pub(super) fn get(&self, variable: &Variable, empty_credential: bool) -> Option<Cow<'a, str>> {
        let value = match variable {
            Variable::Config(name) => lookup_text(self.config, name).or_else(|| {
                // Migrated connections may have the prefix in their keys.
                lookup_text(self.config, &format!("connectionConfig.{name}"))
            })?,
            Variable::Credential(name) => {
                let value = lookup_text(self.credentials, name)?;
                if empty_credential {
                    return Some(value);
                }
                value
            }
            Variable::AssertionOption(name) => lookup_text(self.options?, name)?,
            Variable::Step { number, path } => {
                let response = self.steps.get(number.checked_sub(1)?)?;
                lookup_text(response.as_object()?, path)?
            }
            Variable::AccessToken => Cow::Borrowed(self.token?),
            Variable::SignedToken => Cow::Borrowed(self.signed?),
            Variable::ClientId => Cow::Borrowed(self.client?.0),
            Variable::ClientSecret => Cow::Borrowed(self.client?.1),
            Variable::Random => Cow::Owned(self.entropy?.random.to_string()),
            Variable::Now(format) => Cow::Owned(format.format(self.entropy?)?),
            // A missing request value is empty, and signed as such.
            Variable::Request(value) => return self.request.map(|request| request.get(*value)),
        };
        (!value.is_empty()).then_some(value)
    }

    pub(super) fn missing(&self, variable: &Variable) -> ResolveError {
        let integration = self.integration.to_owned();
        match variable {
            Variable::Config(name) => ResolveError::MissingConfig { integration, name: name.clone() },
            Variable::Credential(name) => ResolveError::MissingCredential { integration, name: name.clone() },
            other => ResolveError::Missing { integration, variable: other.clone() },
        }
    }
}

/// Returns the value at a dotted path. In every object along the path, a key that equals the complete remaining path
/// takes precedence over its first step: `data.@odata.nextLink` finds `@odata.nextLink` in `data`. Steps into lists are
/// indices.
pub(crate) fn lookup_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => lookup_in_object(object, path),
        Value::Array(list) => {
            let (index, rest) = path.split_once('.').map_or((path, None), |(index, rest)| (index, Some(rest)));
            let item = list.get(index.parse::<usize>().ok()?)?;
            rest.map_or(Some(item), |rest| lookup_path(item, rest))
        }
        _ => None,
    }
}

/// Returns the value at a dotted path in an object.
fn lookup_in_object<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    object.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        lookup_path(object.get(first)?, rest)
    })
}

/// Returns the text or number at a dotted name.
fn lookup_text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<Cow<'a, str>> {
    match lookup_in_object(object, name) {
        Some(Value::String(text)) => Some(Cow::Borrowed(text.as_str())),
        Some(Value::Number(number)) => Some(Cow::Owned(number.to_string())),
        Some(_) => None,
        None => key_part(object, name).map(Cow::Borrowed),
    }
}

/// Returns one part of a key with the form `id:secret`: `name.id` or `name.secret`.
fn key_part<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let (name, part) = name.rsplit_once('.')?;
    let (id, secret) = object.get(name)?.as_str()?.split_once(':')?;
    match part {
        "id" => Some(id),
        "secret" => Some(secret),
        _ => None,
    }
}

impl<'a> RequestParts<'a> {
    fn get(&self, value: RequestValue) -> Cow<'a, str> {
        match value {
            RequestValue::Endpoint => Cow::Borrowed(self.endpoint),
            RequestValue::Method => Cow::Borrowed(self.method),
            RequestValue::Host => {
                let host = self.url.host_str().unwrap_or_default();
                self.url.port().map_or(Cow::Borrowed(host), |port| Cow::Owned(format!("{host}:{port}")))
            }
            RequestValue::UrlPath => Cow::Borrowed(self.url.path()),
            RequestValue::Params => match self.form() {
                Some(form) => Cow::Owned(canonical_query(form)),
                None => Cow::Owned(canonical_query(self.url.query().unwrap_or_default().as_bytes())),
            },
            RequestValue::UrlParams => Cow::Owned(canonical_query(self.url.query().unwrap_or_default().as_bytes())),
            RequestValue::Body => String::from_utf8_lossy(self.body),
            RequestValue::ContentType => Cow::Borrowed(self.content_type.unwrap_or_default()),
        }
    }

    /// Returns the body if it is a form.
    fn form(&self) -> Option<&'a [u8]> {
        let media_type = self.content_type?.split(';').next()?.trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded").then_some(self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn request_values_are_taken_from_url_body_and_content_type() {
        let url: Url = "https://H.test:8443/a%20b?z=1&a=x+y&a=b~".parse().unwrap();
        let request = RequestParts { endpoint: "/a b", method: "POST", url: &url, content_type: None, body: b"{}" };
        let get = |request: &RequestParts<'_>, value| request.get(value).into_owned();
        assert_eq!(get(&request, RequestValue::Host), "h.test:8443");
        assert_eq!(get(&request, RequestValue::UrlPath), "/a%20b");
        assert_eq!(get(&request, RequestValue::Params), "a=b~&a=x%20y&z=1");
        assert_eq!(get(&request, RequestValue::Body), "{}");
        let form = RequestParts {
            content_type: Some("application/x-www-form-urlencoded; charset=utf-8"),
            body: b"q=1&b=%2F",
            ..request
        };
        assert_eq!(get(&form, RequestValue::Params), "b=%2F&q=1");
        assert_eq!(get(&form, RequestValue::UrlParams), "a=b~&a=x%20y&z=1");
    }

    #[test]
    fn literal_key_wins_over_path_at_every_level() {
        let value = json!({
            "a": { "b": 1, "b.c": 2, "d": { "e.f": 3, "e": { "f": 4, "g": 5 } },
                "list": [{ "x.y": 6 }, { "x": { "y": 7 } }] },
            "a.d.e.g": 8,
        });
        let check = |path: &str, expect: Option<i64>| {
            assert_eq!(lookup_path(&value, path), expect.map(Value::from).as_ref(), "{path}");
        };
        check("a.b", Some(1));
        check("a.b.c", Some(2));
        check("a.d.e.f", Some(3));
        check("a.d.e.g", Some(8));
        check("a.list.0.x.y", Some(6));
        check("a.list.1.x.y", Some(7));
        for path in ["", ".a", "a.", "b", "a.b.d", "a.list.2", "a.list.x", "a.list.0.x", "a.list.0.", "a.b.c.d"] {
            check(path, None);
        }
        let scope = TemplateScope::new("acme", value.as_object().unwrap(), value.as_object().unwrap());
        let config = |name: &str| scope.get(&Variable::Config(name.into()), false);
        assert_eq!((config("a.d.e.f").as_deref(), config("a.b.c").as_deref()), (Some("3"), Some("2")));
    }

    proptest! {
        #[test]
        fn path_of_keys_without_dots_is_a_json_pointer(
            value in tree(),
            steps in proptest::collection::vec("[a-c]|[0-2]", 1..4),
        ) {
            let pointer: String = steps.iter().flat_map(|step| ["/", step]).collect();
            prop_assert_eq!(lookup_path(&value, &steps.join(".")), value.pointer(&pointer));
        }

        #[test]
        fn lookup_of_any_name_never_panics(value in tree(), path in "[a-c.0-9]{0,12}|.*") {
            let _ = lookup_path(&value, &path);
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        any::<i64>().prop_map(Value::from).prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn credential_key_pair_is_split_into_id_and_secret() {
        let credentials = json!({ "key": "64ae:c0ffee:1", "plain": "x", "whole": { "id": "7" } });
        let credentials = credentials.as_object().unwrap();
        let scope = TemplateScope::new("acme", credentials, credentials);
        let get = |name: &str| scope.get(&Variable::Credential(name.into()), false);
        assert_eq!((get("key.id").as_deref(), get("key.secret").as_deref()), (Some("64ae"), Some("c0ffee:1")));
        assert_eq!((get("key.other"), get("plain.id"), get("whole.id").as_deref()), (None, None, Some("7")));
    }

    #[test]
    fn debug_form_of_scope_shows_no_value() {
        let map = json!({ "a": "hush" });
        let map = map.as_object().unwrap();
        let scope = TemplateScope::new("acme", map, map).token(Some("hush")).client(Some(("hush", "hush")));
        assert!(!format!("{scope:?}").contains("hush"));
        let url: Url = "https://h.test/?k=hush".parse().unwrap();
        let request = RequestParts { endpoint: "hush", method: "GET", url: &url, content_type: None, body: b"hush" };
        assert!(!format!("{request:?}").contains("hush"));
    }
}
