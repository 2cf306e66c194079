//! Token requests: fields, client authentication and body formats.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{ObtainError, TokenContext, assertion::client_assertion};
use crate::{
    auth::Secret,
    http::{Body, Client, HttpError, RequestSpec, Response},
    provider::{BodyFormat, ClientAuth, Param, Template, TemplateScope},
    redact::{Redactor, is_secret_name},
};

/// Maximum size of a token response, in bytes.
const MAX_RESPONSE_BYTES: u64 = 1 << 20;

/// A token request under construction.
pub(super) struct TokenRequest {
    url: Url,
    get: bool,
    format: BodyFormat,
    fields: Map<String, Value>,
    headers: HeaderMap,
}

impl TokenRequest {
    /// Creates a request, after checking that its host may receive the secret of the app.
    ///
    /// # Errors
    ///
    /// Fails if the host must not receive the secret of the operator's app.
    pub(super) fn new(
        context: &TokenContext<'_>,
        url: Url,
        get: bool,
        format: BodyFormat,
    ) -> Result<Self, ObtainError> {
        context.check_token_host(&url)?;
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Ok(Self { url, get, format, fields: Map::new(), headers })
    }

    /// Sets a field of the request.
    pub(super) fn field(&mut self, name: &str, value: &str) {
        self.fields.insert(name.to_owned(), Value::String(value.to_owned()));
    }

    /// Sets the fields of a provider entry.
    pub(super) fn params(&mut self, params: &[(String, Param)], scope: &TemplateScope<'_>) -> Result<(), ObtainError> {
        for (name, param) in params {
            self.fields.insert(name.clone(), param.resolve(scope)?);
        }
        Ok(())
    }

    /// Sets the headers of a provider entry.
    pub(super) fn headers(
        &mut self,
        headers: &[(HeaderName, Template)],
        scope: &TemplateScope<'_>,
    ) -> Result<(), ObtainError> {
        for (name, template) in headers {
            let text = Zeroizing::new(template.resolve(scope)?);
            self.header(name.clone(), &text)?;
        }
        Ok(())
    }

    fn header(&mut self, name: HeaderName, text: &str) -> Result<(), ObtainError> {
        let mut value = HeaderValue::from_str(text).map_err(|_| {
            ObtainError::Setup(format!(
                "the value of the header `{name}` contains a character that headers do not allow"
            ))
        })?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(())
    }

    /// Adds the client authentication to the request.
    pub(super) fn authenticate_client(
        &mut self,
        auth: ClientAuth,
        context: &TokenContext<'_>,
    ) -> Result<(), ObtainError> {
        let (id, secret) = context.client()?;
        let (name, password) = match auth {
            ClientAuth::Password => ("username", "password"),
            _ => ("client_id", "client_secret"),
        };
        match auth {
            ClientAuth::Basic => {
                let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                return self.basic(&encode(id), &encode(secret));
            }
            ClientAuth::UnencodedBasic => return self.basic(id, secret),
            ClientAuth::BasicAndBody => self.basic(id, secret)?,
            ClientAuth::SignedJwt => {
                let (kind, token) = client_assertion(context, &self.url)?;
                self.field("client_id", id);
                self.field("client_assertion_type", kind);
                self.field("client_assertion", token.expose());
                return Ok(());
            }
            ClientAuth::Body | ClientAuth::Password => {}
        }
        self.field(name, id);
        // A public client has no secret.
        if !secret.is_empty() {
            self.field(password, secret);
        }
        Ok(())
    }

    /// Adds bearer authentication to the request.
    pub(super) fn bearer(&mut self, token: &Secret) -> Result<(), ObtainError> {
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        self.header(AUTHORIZATION, &text)
    }

    fn basic(&mut self, id: &str, secret: &str) -> Result<(), ObtainError> {
        let pair = Zeroizing::new(format!("{id}:{secret}"));
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        self.header(AUTHORIZATION, &text)
    }

    /// Adds the secrets of this request, such as a signed assertion, to a redactor: the server may repeat them.
    fn add_secrets_to(&self, redactor: &Redactor) {
        let secret = |name: &str| is_secret_name(name) || name.contains("assertion");
        let fields = self.fields.iter().filter(|(name, _)| secret(name)).filter_map(|(_, value)| value.as_str());
        let headers =
            self.headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
        for text in fields.chain(headers) {
            redactor.add(Zeroizing::new(text.to_owned()));
            if let Some((_, rest)) = text.split_once(' ') {
                redactor.add(Zeroizing::new(rest.to_owned()));
            }
        }
    }

    /// Sends the request. Every status from 300 to 599 is accepted as a response.
    pub(super) async fn send(self, client: &Client) -> Result<Response, ObtainError> {
        self.add_secrets_to(client.redactor());
        let method = if self.get { Method::GET } else { Method::POST };
        let mut spec = RequestSpec::new(method, self.url.as_str());
        spec.headers = self.headers;
        // A `POST` is only retried if it did not arrive. A `GET` would be retried in other cases too, so it is sent
        // once.
        spec = spec.retries(if self.get { 0 } else { 2 }).accept(300..600);
        spec.max_body_bytes = Some(MAX_RESPONSE_BYTES);
        if self.get || self.format == BodyFormat::Query {
            spec.query = form_pairs(&self.fields);
        } else if self.format == BodyFormat::Xml {
            let text = "this provider requires token requests in XML, which is not supported";
            return Err(ObtainError::Setup(text.to_owned()));
        } else if self.format == BodyFormat::Json {
            spec.body = Body::Json(Value::Object(self.fields).to_string().into());
        } else {
            spec.body = Body::Form(form_pairs(&self.fields));
        }
        client.send(&spec).await.map_err(transport_failure)
    }
}

/// Converts an error of the pipeline. Statuses are accepted as responses, so only requests without a response fail
/// here.
fn transport_failure(error: HttpError) -> ObtainError {
    let wait = if let HttpError::WaitTooLong { wait, .. } = &error { Some(*wait) } else { None };
    ObtainError::Failed { message: error.into_error().to_string(), wait, responded: false }
}

/// Flattens fields into form pairs; nested fields become `a[b]`.
pub(in crate::auth) fn form_pairs(fields: &Map<String, Value>) -> Vec<(String, String)> {
    fn add(name: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
        match value {
            Value::Null => {}
            Value::String(text) => pairs.push((name.to_owned(), text.clone())),
            Value::Bool(_) | Value::Number(_) => pairs.push((name.to_owned(), value.to_string())),
            Value::Array(list) => list.iter().for_each(|value| add(name, value, pairs)),
            Value::Object(object) => {
                object.iter().for_each(|(key, value)| add(&format!("{name}[{key}]"), value, pairs));
            }
        }
    }
    let mut pairs = Vec::new();
    fields.iter().for_each(|(name, value)| add(name, value, &mut pairs));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_values_are_form_encoded() {
        let Value::Object(fields) = json!({ "a": 1, "b": { "c": "x y", "d": true }, "e": ["1", "2"], "n": null })
        else {
            unreachable!()
        };
        let pairs = form_pairs(&fields);
        let text: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(text, ["a=1", "b[c]=x y", "b[d]=true", "e=1", "e=2"]);
    }
}
