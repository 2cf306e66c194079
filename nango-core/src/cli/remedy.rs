//! Commands and advice for the next steps that errors carry.

use std::error::Error as StdError;

use super::shell::shell_quoted;
use crate::error::{Chain, Error, Remedy};

/// Returns the message of an error, followed by the next step. Secrets are removed from both.
pub(super) fn message(error: &Error) -> String {
    let text = error.to_string();
    match error.remedy() {
        Some(remedy) => join(&text, &error.hide_text(&advice(remedy))),
        None => text,
    }
}

/// Returns the text of an error of a layer and its causes, followed by the next step.
pub(super) fn text(error: &(dyn StdError + 'static), remedy: Option<Remedy>) -> String {
    let text = Chain(error).to_string();
    remedy.map_or_else(|| text.clone(), |remedy| join(&text, &advice(&remedy)))
}

/// Joins a message and its next step, which becomes a sentence of its own after a complete sentence.
fn join(message: &str, advice: &str) -> String {
    if !message.ends_with(['.', '!', '?']) {
        return format!("{message}; {advice}");
    }
    let mut rest = advice.chars();
    let first: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{message} {first}{}", rest.as_str())
}

/// Returns the next step as a clause, with its command.
pub(super) fn advice(remedy: &Remedy) -> String {
    match remedy {
        Remedy::AddConnection { integration, connection } => {
            format!("add it with `{} --auth …`", connection_add(integration, Some(connection)))
        }
        Remedy::ReplaceCredentials { integration, connection } => {
            let command = connection_add(integration, connection.as_deref());
            format!("replace the credentials with `{command} --credentials …`")
        }
        Remedy::ChangeAuthMode { integration } => {
            format!("set them with `{} --auth …`", connection_add(integration, None))
        }
        Remedy::SkipVerification => {
            "`registry connection add … --no-verify` stores them without verification".to_owned()
        }
        Remedy::SetConfiguration { integration, name } => {
            format!("set it with `{} --set {name}=…`", connection_add(integration, None))
        }
        Remedy::SetMetadata { integration, connection } => {
            let id = shell_quoted(connection);
            format!("set the metadata with `registry connection set-metadata {integration} {id} '{{…}}'`")
        }
        Remedy::ResetSync { integration, sync, connection, variant } => {
            let variant = variant.iter().map(|variant| format!(" --variant {}", shell_quoted(variant)));
            let options = format!("--connection {}{} --reset", shell_quoted(connection), variant.collect::<String>());
            format!("to start over, run `registry run {integration} {sync} {options}`")
        }
        Remedy::RunFull => "run that sync with `--full`".to_owned(),
        Remedy::ListProviders => "list them with `registry providers list`".to_owned(),
        Remedy::RepairDatabase => "run `registry database check --repair`".to_owned(),
        Remedy::RestoreBackup => {
            "restore the last backup (`registry database backup`); feeds refuse cursors that are newer than it"
                .to_owned()
        }
        Remedy::EmptyDataset { readers_restart: true } => {
            "readers may have missed a change: empty the dataset (`registry database empty`), run the sync, and let \
             readers start without a cursor"
                .to_owned()
        }
        Remedy::EmptyDataset { readers_restart: false } => {
            "empty the dataset (`registry database empty`) and run the sync".to_owned()
        }
        Remedy::SaveRecordAgain => {
            "run the sync with --reset after `--repair` has removed the hash: the record is saved again. Or remove it \
             with `registry database erase`"
                .to_owned()
        }
        Remedy::ReplaceStoredValue => {
            "for a checkpoint, run the sync with --reset; for a connection, add it again (`registry connection add`)"
                .to_owned()
        }
        Remedy::CopyAgain => "run `registry database copy` again".to_owned(),
        Remedy::CheckPermissions => "check the permissions of the file and of its directory".to_owned(),
        Remedy::CheckServer => "check that the server runs and that the URL is right".to_owned(),
        Remedy::ConfigureTls => {
            "without `sslmode` in the URL a server on another host needs TLS and a trusted certificate: name the \
             authority that signed it (`?sslrootcert=FILE`), or choose `?sslmode=require` (encrypted, the server is \
             not verified) or `?sslmode=disable` (everything in clear text)"
                .to_owned()
        }
        Remedy::CheckLogin => "check user and password of the URL".to_owned(),
    }
}

/// Returns the beginning of the command that adds a connection; the id is `<id>` if it is not known.
fn connection_add(integration: &str, connection: Option<&str>) -> String {
    let id = connection.map_or_else(|| "<id>".to_owned(), shell_quoted);
    format!("registry connection add {integration} {id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    #[track_caller]
    fn check(remedy: &Remedy, expect: &str) {
        assert_eq!(advice(remedy), expect);
    }

    #[test]
    fn remedy_of_a_connection_is_worded_as_a_command() {
        let (integration, connection) = ("shop".to_owned(), "my acme".to_owned());
        check(
            &Remedy::AddConnection { integration: integration.clone(), connection: connection.clone() },
            "add it with `registry connection add shop 'my acme' --auth …`",
        );
        check(
            &Remedy::ReplaceCredentials { integration: integration.clone(), connection: Some(connection.clone()) },
            "replace the credentials with `registry connection add shop 'my acme' --credentials …`",
        );
        check(
            &Remedy::ReplaceCredentials { integration: integration.clone(), connection: None },
            "replace the credentials with `registry connection add shop <id> --credentials …`",
        );
        check(
            &Remedy::ChangeAuthMode { integration: integration.clone() },
            "set them with `registry connection add shop <id> --auth …`",
        );
        check(
            &Remedy::SetConfiguration { integration: integration.clone(), name: "site".to_owned() },
            "set it with `registry connection add shop <id> --set site=…`",
        );
        check(
            &Remedy::SetMetadata { integration, connection },
            "set the metadata with `registry connection set-metadata shop 'my acme' '{…}'`",
        );
    }

    #[test]
    fn remedy_of_a_sync_is_worded_as_a_command() {
        let reset = |variant| Remedy::ResetSync {
            integration: "shop".to_owned(),
            sync: "orders".to_owned(),
            connection: "acme".to_owned(),
            variant,
        };
        check(&reset(None), "to start over, run `registry run shop orders --connection acme --reset`");
        let expect = "to start over, run `registry run shop orders --connection acme --variant 'a b' --reset`";
        check(&reset(Some("a b".to_owned())), expect);
        check(&Remedy::SkipVerification, "`registry connection add … --no-verify` stores them without verification");
        check(&Remedy::RunFull, "run that sync with `--full`");
        check(&Remedy::ListProviders, "list them with `registry providers list`");
    }

    #[test]
    fn remedy_of_a_database_names_the_command_or_the_setting() {
        for (remedy, part) in [
            (Remedy::RepairDatabase, "`registry database check --repair`"),
            (Remedy::RestoreBackup, "`registry database backup`"),
            (Remedy::EmptyDataset { readers_restart: true }, "`registry database empty`"),
            (Remedy::EmptyDataset { readers_restart: false }, "`registry database empty`"),
            (Remedy::SaveRecordAgain, "`registry database erase`"),
            (Remedy::ReplaceStoredValue, "`registry connection add`"),
            (Remedy::CopyAgain, "`registry database copy`"),
            (Remedy::CheckPermissions, "permissions of the file and of its directory"),
            (Remedy::CheckServer, "the URL is right"),
            (Remedy::ConfigureTls, "`?sslrootcert=FILE`"),
            (Remedy::ConfigureTls, "`?sslmode=require`"),
            (Remedy::ConfigureTls, "`?sslmode=disable`"),
            (Remedy::CheckLogin, "user and password"),
        ] {
            assert!(advice(&remedy).contains(part), "{remedy:?}");
        }
    }

    #[test]
    fn next_step_follows_the_message() {
        assert_eq!(join("the disk is full", "free some space"), "the disk is full; free some space");
        assert_eq!(join("did you mean `a`?", "list them"), "did you mean `a`? List them");
    }

    #[test]
    fn next_step_contains_no_secret() {
        let redactor = Redactor::default();
        redactor.add(zeroize::Zeroizing::new("s3cret-id".to_owned()));
        let remedy = Remedy::SetMetadata { integration: "shop".to_owned(), connection: "s3cret-id".to_owned() };
        let error = Error::msg("it does not fit").with_remedy(remedy).redacted(&redactor);
        let expect = "it does not fit; set the metadata with `registry connection set-metadata shop *** '{…}'`";
        assert_eq!(message(&error), expect);
        assert_eq!(message(&Error::msg("x")), "x");
    }
}
