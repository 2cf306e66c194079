//! Keys of the consent page: `authorization_url` and related ones.

use super::key_reader::{KeyReader, scalar_text};
use crate::provider::{AuthMode, Authorization, OAuth1, OAuth1Method, Registration, RegistrationKind};

const KINDS: [(&str, RegistrationKind); 3] = [
    ("dynamic", RegistrationKind::Dynamic),
    ("static", RegistrationKind::Static),
    ("cimd", RegistrationKind::Metadata),
];

pub(super) fn read(keys: &KeyReader<'_>, mode: AuthMode) -> Result<Authorization, String> {
    let unencoded = keys.strings("authorization_url_skip_encode")?;
    let replacements = keys.pairs("authorization_url_replacements")?;
    let mut authorization = Authorization {
        url: keys.template("authorization_url")?,
        params: keys.fields("authorization_params")?,
        webhook_code_path: keys.string("authorization_code_param_in_webhook")?,
        pkce: !keys.flag("disable_pkce")?,
        unencoded_scopes: unencoded.iter().any(|part| part == "scopes"),
        unencoded_values: unencoded.iter().any(|part| part == "base_url"),
        skip_empty: keys.flag("authorization_url_skip_empty")?,
        fragment: keys.string("authorization_url_fragment")?,
        replacements: replacements
            .into_iter()
            .map(|(from, to)| (from.to_owned(), scalar_text(to).unwrap_or_default()))
            .collect(),
        provider_initiated: keys.string("installation")?.as_deref() == Some("outbound"),
        redirect_metadata: keys.strings("redirect_uri_metadata")?,
        ..Authorization::default()
    };
    if let Some(name) = keys.string("authorization_code_param_in_callback")? {
        authorization.code_param = name;
    }
    let kind = keys.one_of("client_registration", &KINDS)?;
    let url = keys.template("registration_url")?;
    let params = keys.fields("registration_params")?;
    authorization.registration = kind.map(|kind| Registration::new(kind, url, params));
    authorization.oauth1 = oauth1(keys, mode)?;
    Ok(authorization)
}

fn oauth1(keys: &KeyReader<'_>, mode: AuthMode) -> Result<Option<OAuth1>, String> {
    const METHODS: [(&str, OAuth1Method); 3] = [
        ("HMAC-SHA1", OAuth1Method::HmacSha1),
        ("HMAC-SHA256", OAuth1Method::HmacSha256),
        ("PLAINTEXT", OAuth1Method::Plaintext),
    ];
    const VERBS: [(&str, bool); 4] = [("GET", true), ("get", true), ("POST", false), ("post", false)];
    let url = keys.template("request_url")?;
    let params = keys.fields("request_params")?;
    let default = if mode == AuthMode::Tba { OAuth1Method::HmacSha256 } else { OAuth1Method::HmacSha1 };
    let method = keys.one_of("signature_method", &METHODS)?.unwrap_or(default);
    let request_get = keys.one_of("request_http_method", &VERBS)?.unwrap_or(false);
    let token_get = keys.one_of("token_http_method", &VERBS)?.unwrap_or(false);
    Ok(matches!(mode, AuthMode::OAuth1 | AuthMode::Tba).then(|| OAuth1 {
        request_token_via_get: request_get,
        access_token_via_get: token_get,
        ..OAuth1::new(url, params, method)
    }))
}
