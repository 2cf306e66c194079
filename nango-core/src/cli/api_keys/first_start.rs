//! Keys of the first start of the server: an API key on a terminal, and the key that signs webhooks.

use super::new_key::NewKey;
use crate::{
    auth::{Scopes, signing_key},
    cli::{CommandError, Context, prompt},
    run::Runtime,
};

/// Name of the key of the first start.
const FIRST: &str = "first";

/// Creates the key that signs webhooks, and an API key if there is none.
///
/// The API key is printed once, on a terminal only: stderr without a terminal ends up in logs. Without one, a note
/// names the command that creates a key.
///
/// # Errors
///
/// Fails if the database or its encryption key cannot be used.
pub(in crate::cli) fn prepare_first_start(context: &mut Context, runtime: &Runtime) -> Result<(), CommandError> {
    context.block_on(async {
        runtime.create_missing_key().await?;
        signing_key(&*runtime.store, &runtime.ring).await
    })?;
    let now = runtime.store.now();
    let keys = context.block_on(runtime.store.api_keys())?;
    if runtime.config.api_key.is_some() || keys.iter().any(|key| key.is_active(now)) {
        return Ok(());
    }
    let is_terminal = prompt::is_interactive() && !context.terminal.is_quiet() && !context.terminal.is_json();
    if !is_terminal {
        context.terminal.note(
            "note: there is no API key yet, so every request is refused. Create one: registry api-keys create --name \
             app",
        );
        return Ok(());
    }
    let new = NewKey { name: FIRST.to_owned(), scopes: Scopes::all(), integrations: None, expires_in: None };
    let (text, _) = new.store(context, runtime)?;
    context.terminal.note(format_args!(
        "API key `{FIRST}`, with all scopes, shown only now:\n\n  {}\n\nKeys with fewer scopes: registry api-keys \
         create --help",
        text.expose()
    ));
    Ok(())
}
