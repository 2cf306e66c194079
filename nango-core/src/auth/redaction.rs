//! Redactor of a connection: collects its secrets and those of its app.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{App, Credentials, Secret, credentials::collect_secrets};
use crate::redact::{Redactor, is_secret_name};

/// Creates a redactor with the secrets of a connection and of its app.
pub(crate) fn redactor(credentials: &Credentials, config: &Map<String, Value>, app: &App) -> Redactor {
    let redactor = Redactor::default();
    add_secrets(&redactor, credentials, config, app);
    redactor
}

/// Adds the secrets of a connection and of its app to a redactor. Called again whenever the credentials change.
pub(super) fn add_secrets(redactor: &Redactor, credentials: &Credentials, config: &Map<String, Value>, app: &App) {
    let mut secrets = credentials.secrets();
    for (name, value) in config {
        collect_secrets(value, is_secret_name(name), &mut secrets);
    }
    let app_secrets = [&app.client_secret, &app.private_key].into_iter().flatten();
    secrets.extend(app_secrets.map(|secret| Zeroizing::new(secret.expose().to_owned())));
    let mut pair = |user: &str, password: &str| {
        if !password.is_empty() {
            secrets.push(Zeroizing::new(password.to_owned()));
        }
        redactor.add_basic_auth(user, Zeroizing::new(password.to_owned()));
    };
    for (id, secret) in [credentials.client(), app.client(credentials, config)].into_iter().flatten() {
        if !secret.is_empty() {
            pair(id, secret);
        }
    }
    if let (Some(id), Some(secret)) = (&app.client_id, app.client_secret.as_ref().map(Secret::expose)) {
        pair(id, secret);
    }
    let (user, password) = (credentials.text("username"), credentials.text("password"));
    match (user, password) {
        (None, None) => {}
        (user, password) => pair(user.unwrap_or_default(), password.unwrap_or_default()),
    }
    if let Some(key) = credentials.text("apiKey") {
        // Some APIs take the key as user or password of a basic pair; the other part is empty or one letter.
        for (user, password) in [(key, ""), ("", key), (key, "x"), (key, "X")] {
            redactor.add_basic_auth(user, Zeroizing::new(password.to_owned()));
        }
    }
    for secret in secrets {
        redactor.add(secret);
    }
}
