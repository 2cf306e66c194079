//! `registry api-keys create`: creates a key, and prints it once.

use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use nango_grammar::frequency::parse_interval;

use super::new_key::NewKey;
use crate::{
    auth::{Scope, Scopes},
    cli::{Command, CommandError, Context, Exit, lookup, table::utc_time},
    redact::printable,
    wire::CreatedApiKeyJson,
};

/// `registry api-keys create --name NAME`
#[derive(Debug)]
pub(super) struct Create;

/// Most characters of a name.
const NAME_CHARS: usize = 100;
/// Longest life of a key that expires: 100 years.
const MAX_LIFE: Duration = Duration::from_hours(100 * 365 * 24);

#[derive(Debug, Args)]
struct Arguments {
    /// Name of the key in lists and messages, such as the name of the application that uses it
    #[arg(long)]
    name: String,
    /// Permission, such as environment:connections:read or environment:*; repeat it for several. Default:
    /// environment:records:read
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Limits the key to this integration; repeat it for several. Default: all integrations
    #[arg(long = "integration", value_name = "INTEGRATION")]
    integrations: Vec<String>,
    /// Time after which the key is not accepted, such as 90d. Default: it does not expire
    #[arg(long, value_name = "SPAN")]
    expires_in: Option<String>,
}

const ABOUT: &str = "\
Creates a key of the HTTP API, and prints it once on stdout

Only a hash of the key is stored, so it cannot be printed again. Without --scope the key may only read records. Scopes \
have the names of Nango's; `*` at the end includes everything below: environment:syncs:*.";

impl Command for Create {
    fn clap(&self) -> clap::Command {
        let short = ABOUT.lines().next().unwrap_or_default();
        Arguments::augment_args(clap::Command::new("create")).about(short).long_about(ABOUT).after_help(
            "Example: registry api-keys create --name app --scope environment:records:read --integration github",
        )
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let name = checked_name(&arguments.name)?;
        let scopes = checked_scopes(&arguments.scopes)?;
        let expires_in = arguments.expires_in.as_deref().map(checked_life).transpose()?;
        let mut integrations: Vec<String> = Vec::new();
        for integration in arguments.integrations {
            lookup::integration(context.registry(), &integration)?;
            if !integrations.contains(&integration) {
                integrations.push(integration);
            }
        }
        let integrations = (!integrations.is_empty()).then_some(integrations);
        context.require_database_folder()?;
        let runtime = context.open()?;
        let (text, key) = NewKey { name, scopes, integrations, expires_in }.store(context, &runtime)?;
        context.terminal.json(&CreatedApiKeyJson::new(text.expose(), &key, runtime.store.now()))?;
        context.terminal.line(text.expose())?;
        let end = key
            .expires_at
            .map_or_else(|| "it does not expire".to_owned(), |at| format!("it expires {} UTC", utc_time(at)));
        context.terminal.hint(format_args!(
            "Created the key `{}` with {}; {end}. Store it now: it is not shown again",
            key.name,
            key.scopes.join(", ")
        ));
        Ok(Exit::Success)
    }
}

fn checked_name(name: &str) -> Result<String, CommandError> {
    let is_visible = printable(name) == name && !name.chars().any(char::is_control);
    if name.trim() != name || name.is_empty() || !is_visible || name.chars().count() > NAME_CHARS {
        return Err(CommandError::usage(format!(
            "--name: it must have 1 to {NAME_CHARS} visible characters, without spaces at its ends"
        )));
    }
    Ok(name.to_owned())
}

fn checked_scopes(names: &[String]) -> Result<Scopes, CommandError> {
    let default = [Scope::RecordsRead.name()];
    let names: Vec<&str> = if names.is_empty() { default.to_vec() } else { names.iter().map(String::as_str).collect() };
    Scopes::parse(names).map_err(|error| CommandError::usage(format!("--scope: {error}")))
}

fn checked_life(text: &str) -> Result<Duration, CommandError> {
    match parse_interval(text.trim()) {
        Some(life) if !life.is_zero() && life <= MAX_LIFE => Ok(life),
        Some(_) => Err(CommandError::usage("--expires-in: it must be more than zero and at most a hundred years")),
        None => {
            Err(CommandError::usage(format!("--expires-in: `{text}` is not a duration: write `90d` or `12 hours`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_without_scopes_may_only_read_records() {
        let scopes = checked_scopes(&[]).unwrap();
        assert_eq!(Scope::all().filter(|scope| scopes.includes(*scope)).collect::<Vec<_>>(), [Scope::RecordsRead]);
        let error = checked_scopes(&["environment:recrods:read".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("--scope: unknown scope `environment:recrods:read`; available: "), "{error}");
        assert!(error.ends_with("did you mean `environment:records:read`?"), "{error}");
    }

    #[test]
    fn names_and_spans_of_life_are_checked() {
        assert_eq!(checked_name("my app é"), Ok("my app é".to_owned()));
        for wrong in ["", " ", " a", "a ", "a\nb", "a\u{202e}b", "a\tb", "a\0", &"x".repeat(101)] {
            let error = checked_name(wrong).unwrap_err().to_string();
            assert_eq!(error, "--name: it must have 1 to 100 visible characters, without spaces at its ends");
        }
        assert_eq!(checked_life("90d"), Ok(Duration::from_hours(90 * 24)));
        assert_eq!(checked_life(" 12 hours "), Ok(Duration::from_hours(12)));
        for wrong in ["", "soon", "-1d", "0s", "101 years", "5000000d", "90"] {
            assert!(checked_life(wrong).unwrap_err().to_string().starts_with("--expires-in: "), "{wrong}");
        }
    }
}
