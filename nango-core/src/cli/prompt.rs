//! Prompt for credentials and keys on the terminal, so that they appear neither on the command line nor on the screen.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde_json::{Map, Value};

use super::CommandError;
#[cfg(feature = "server")]
use crate::auth::Secret;
use crate::{
    auth::{AuthMode, Credentials},
    provider::Provider,
};

/// Returns whether a prompt is possible: stdin and stderr are terminals.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Prompts for the credentials of an auth mode. Secret parts are not echoed.
///
/// Returns `None` if the auth mode has no credentials, or if there is no terminal.
pub(super) fn credentials(mode: AuthMode, provider: Option<&Provider>) -> Result<Option<Value>, CommandError> {
    let fields = Credentials::prompt_fields(mode, provider);
    if fields.is_empty() || !is_interactive() {
        return Ok(None);
    }
    let failed = |error: io::Error| CommandError::usage(format!("cannot read from the terminal: {error}"));
    let mut given = Map::new();
    for part in fields {
        let input = if part.secret {
            rpassword::prompt_password(format!("{} (hidden): ", part.title)).map_err(failed)?
        } else {
            read_line(&part.title).map_err(failed)?
        };
        if !input.is_empty() || part.required {
            given.insert(part.key, Value::String(input));
        }
    }
    Ok(Some(Value::Object(given)))
}

/// Prompts for a secret text, without echo. Returns `None` if there is no terminal.
#[cfg(feature = "server")]
pub(super) fn secret(title: &str) -> Result<Option<Secret>, CommandError> {
    if !is_interactive() {
        return Ok(None);
    }
    let input = rpassword::prompt_password(format!("{title} (hidden): "))
        .map_err(|error| CommandError::usage(format!("cannot read from the terminal: {error}")))?;
    Ok(Some(Secret::new(input.trim())))
}

fn read_line(title: &str) -> io::Result<String> {
    let mut err = io::stderr();
    write!(err, "{title}: ")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
