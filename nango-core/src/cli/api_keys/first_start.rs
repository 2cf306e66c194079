//! Keys of the first start of the server: an API key on a terminal, and the key that signs webhooks.

use super::new_key::NewKey;
use crate::{
    auth::{Scopes, Secret, signing_key},
    cli::{CommandError, Context, prompt},
    run::Runtime,
};

/// Name of the key of the first start.
const FIRST: &str = "first";

/// API key with which a client can call the server.
#[derive(Debug)]
pub enum FirstKey {
    /// The key of `NANGO_API_KEY`.
    Given,
    /// A key that was created before and is not known.
    Stored,
    /// A new key with all scopes, to be shown once.
    Created(Secret),
    /// No key: without a terminal, none is created, because stderr ends up in logs.
    Missing,
}

/// Returns the API key of a server. Creates one if there is none and it can be shown on a terminal. Also creates the
/// key that signs webhooks.
///
/// # Errors
///
/// Fails if the database or its encryption key cannot be used.
pub fn find_or_create_key(context: &Context, runtime: &Runtime) -> Result<FirstKey, CommandError> {
    context.block_on(async {
        runtime.create_missing_key().await?;
        signing_key(&*runtime.store, &runtime.ring).await
    })?;
    if runtime.config.api_key.is_some() {
        return Ok(FirstKey::Given);
    }
    let now = runtime.store.now();
    let keys = context.block_on(runtime.store.api_keys())?;
    if keys.iter().any(|key| key.is_active(now)) {
        return Ok(FirstKey::Stored);
    }
    let is_terminal = prompt::is_interactive() && !context.terminal.is_quiet() && !context.terminal.is_json();
    if !is_terminal {
        return Ok(FirstKey::Missing);
    }
    let new = NewKey { name: FIRST.to_owned(), scopes: Scopes::all(), integrations: None, expires_in: None };
    Ok(FirstKey::Created(new.store(context, runtime)?.0))
}

/// Creates the key that signs webhooks, and an API key if there is none.
///
/// The API key is printed once, on a terminal only. Without one, a note names the command that creates a key.
///
/// # Errors
///
/// Fails if the database or its encryption key cannot be used.
pub(in crate::cli) fn prepare_first_start(context: &mut Context, runtime: &Runtime) -> Result<(), CommandError> {
    match find_or_create_key(context, runtime)? {
        FirstKey::Given | FirstKey::Stored => {}
        FirstKey::Missing => context.terminal.note(
            "note: there is no API key yet, so every request is refused. Create one: registry api-keys create --name \
             app",
        ),
        FirstKey::Created(text) => context.terminal.note(format_args!(
            "API key `{FIRST}`, with all scopes, shown only now:\n\n  {}\n\nKeys with fewer scopes: registry api-keys \
             create --help",
            text.expose()
        )),
    }
    Ok(())
}
