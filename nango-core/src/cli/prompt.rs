//! Credentials that are typed on a terminal, so that they stand neither on the command line nor on the screen.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde_json::{Map, Value};

use super::Fault;
use crate::{
    auth::{AuthMode, Credentials},
    provider::Provider,
};

/// Whether a person can be asked: input and the messages are a terminal.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for credentials of a kind; secret parts are not echoed. `None`: there is nothing to ask for, or no terminal.
pub(super) fn credentials(mode: AuthMode, provider: Option<&Provider>) -> Result<Option<Value>, Fault> {
    let asked = Credentials::asked(mode, provider);
    if asked.is_empty() || !can_ask() {
        return Ok(None);
    }
    let failed = |error: io::Error| Fault::usage(format!("the terminal cannot be read: {error}"));
    let mut given = Map::new();
    for part in asked {
        let answer = if part.secret {
            rpassword::prompt_password(format!("{} (not shown): ", part.title)).map_err(failed)?
        } else {
            line(&part.title).map_err(failed)?
        };
        if !answer.is_empty() || part.required {
            given.insert(part.key, Value::String(answer));
        }
    }
    Ok(Some(Value::Object(given)))
}

fn line(title: &str) -> io::Result<String> {
    let mut err = io::stderr();
    write!(err, "{title}: ")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
