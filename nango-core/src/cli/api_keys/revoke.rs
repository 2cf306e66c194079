//! `registry api-keys revoke`: revokes a key by name or id.

use clap::{ArgMatches, Args, FromArgMatches};
use uuid::Uuid;

use crate::{
    cli::{Command, CommandError, Context, Exit, lookup::unknown_name},
    store::ApiKey,
    wire::ApiKeyRow,
};

/// `registry api-keys revoke NAME`
#[derive(Debug)]
pub(super) struct Revoke;

#[derive(Debug, Args)]
struct Arguments {
    /// Name or id of the key
    name: String,
}

impl Command for Revoke {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("revoke"))
            .about("Revokes a key: every server refuses it within one second")
            .after_help("Example: registry api-keys revoke app")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let runtime = context.open_existing()?;
        let keys = context.block_on(runtime.store.api_keys())?;
        let id = find(&keys, &arguments.name)?.id;
        let revoked = context.block_on(runtime.store.revoke_api_key(id))?;
        // Keys are never deleted, so it still exists.
        let Some(key) = revoked else { return Err(CommandError::not_found("the key does not exist any more")) };
        context.terminal.json(&ApiKeyRow::new(&key, runtime.store.now()))?;
        context.terminal.line(format_args!("revoked the key {} ({})", key.name, key.id))?;
        Ok(Exit::Success)
    }
}

/// Returns the key with this id, or the one with this name: preferably the one that is not revoked, else the latest.
fn find<'a>(keys: &'a [ApiKey], wanted: &str) -> Result<&'a ApiKey, CommandError> {
    if let Some(key) = keys.iter().find(|key| wanted.parse::<Uuid>().is_ok_and(|id| id == key.id)) {
        return Ok(key);
    }
    let with_name = || keys.iter().filter(|key| key.name == wanted);
    with_name().find(|key| key.revoked_at.is_none()).or_else(|| with_name().next_back()).ok_or_else(|| {
        let names: Vec<&str> = keys.iter().filter(|key| key.revoked_at.is_none()).map(|key| &*key.name).collect();
        CommandError::not_found(unknown_name("API key", wanted, &names))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn key(id: u128, name: &str, revoked: bool) -> ApiKey {
        ApiKey {
            id: Uuid::from_u128(id),
            name: name.to_owned(),
            hash: [0; 32],
            scopes: Vec::new(),
            integrations: None,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            revoked_at: revoked.then_some(Timestamp::UNIX_EPOCH),
            last_used_at: None,
        }
    }

    #[test]
    fn key_is_found_by_id_and_by_name_of_the_one_that_is_not_revoked() {
        let keys =
            [key(1, "app", true), key(2, "app", false), key(3, "old", true), key(4, "old", true), key(5, "ap", false)];
        let found = |wanted: &str| find(&keys, wanted).map(|key| key.id.as_u128()).map_err(|error| error.to_string());
        assert_eq!(found("app"), Ok(2));
        assert_eq!(found("old"), Ok(4));
        assert_eq!(found("00000000-0000-0000-0000-000000000001"), Ok(1));
        let error = found("apq").unwrap_err();
        assert_eq!(error, "unknown API key `apq`; available: `app` and `ap`; did you mean `ap`?");
    }
}
