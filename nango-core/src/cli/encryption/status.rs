//! `registry encryption status`: shows what is encrypted, and with which keys.

use clap::ArgMatches;
use serde::Serialize;

use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        table::{count, table},
    },
    run::Runtime,
    store::{EncryptionState, KeyId, KeyUse, Keys, ResealProgress, StoreError},
};

/// Command `registry encryption status`.
#[derive(Debug)]
pub(super) struct Status;

impl Command for Status {
    fn clap(&self) -> clap::Command {
        clap::Command::new("status")
            .about("Shows what is encrypted, and with which keys")
            .after_help("Example: registry encryption status")
    }

    fn run(&self, _: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let runtime = context.open_existing()?;
        let status = context.block_on(read_status(&runtime))?;
        context.terminal.json(&status)?;
        context.terminal.line(status.headline())?;
        let mut shown = table(&["key", "", "records", "credentials", "resume states"], context.terminal.width());
        for key in &status.keys {
            let name = key.key.as_deref().unwrap_or("(plain)");
            let mut row = comfy_table::Row::from([name, key.usage_text()]);
            for uses in [key.records, key.credentials, key.resume_states] {
                row.add_cell(count(uses));
            }
            shown.add_row(row);
        }
        context.terminal.line(shown)?;
        if status.unfinished {
            context.terminal.hint(status.resume_hint());
        }
        Ok(Exit::Success)
    }
}

/// Encryption settings and key usage, as printed.
#[derive(Debug, Serialize)]
pub(super) struct StatusReport {
    /// Whether new payloads are sealed.
    payloads: bool,
    /// Key that seals new data.
    active_key: Option<String>,
    /// Whether a reseal of the stored data is unfinished.
    unfinished: bool,
    keys: Vec<KeyReport>,
}

#[derive(Debug, Serialize)]
struct KeyReport {
    /// Id of the key; `null` for payloads that are not sealed.
    key: Option<String>,
    active: bool,
    in_ring: bool,
    /// Whether the key may be removed from every key ring.
    removable: bool,
    records: u64,
    credentials: u64,
    resume_states: u64,
}

/// Result of a reseal, as the number of values.
#[derive(Debug, Clone, Copy, Serialize)]
struct ResealSummary {
    changed: u64,
    unopened: u64,
}

/// Reads the encryption state from the database and the key ring.
pub(super) async fn read_status(runtime: &Runtime) -> Result<StatusReport, StoreError> {
    let state = runtime.store.encryption().await?;
    Ok(StatusReport::from_state(state, &runtime.ring.ids()))
}

impl StatusReport {
    fn from_state(mut state: EncryptionState, ring: &[KeyId]) -> Self {
        for key in ring {
            if state.uses.iter().all(|used| used.key != Some(*key)) {
                state.uses.push(KeyUse::of(Some(*key)));
            }
        }
        // Sorted by position in the ring; then the keys that the ring lacks; then plain payloads.
        let ring_position = |key: Option<KeyId>| match key {
            None => (1, 0),
            Some(key) => (0, ring.iter().position(|known| *known == key).unwrap_or(ring.len())),
        };
        state.uses.sort_by_key(|used| ring_position(used.key));
        let active_at = ring.iter().position(|key| Some(*key) == state.active);
        let keys = state.uses.iter().map(|used| {
            let at = used.key.and_then(|key| ring.iter().position(|known| *known == key));
            // A key after the active one is new and not activated yet.
            let older = matches!((at, active_at), (Some(at), Some(active)) if at < active);
            KeyReport {
                key: used.key.map(|key| key.to_string()),
                active: used.key.is_some() && used.key == state.active,
                in_ring: at.is_some(),
                removable: older && used.is_unused() && !state.unfinished,
                records: used.records,
                credentials: used.credentials,
                resume_states: used.resume_states,
            }
        });
        Self {
            payloads: state.payloads,
            active_key: state.active.map(|key| key.to_string()),
            unfinished: state.unfinished,
            keys: keys.collect(),
        }
    }

    /// Returns the report with the result of a reseal.
    pub(super) fn with_reseal(&self, progress: &ResealProgress) -> impl Serialize + use<'_> {
        #[derive(Serialize)]
        struct With<'a> {
            #[serde(flatten)]
            status: &'a StatusReport,
            #[serde(flatten)]
            summary: ResealSummary,
        }
        With { status: self, summary: ResealSummary { changed: progress.changed, unopened: progress.skipped } }
    }

    /// Returns the sentence on how new payloads are stored.
    pub(super) fn headline(&self) -> &'static str {
        if self.payloads {
            "New payloads are sealed."
        } else {
            "New payloads are plain; credentials and resume states are sealed in any case."
        }
    }

    /// Returns the command that resumes an unfinished reseal.
    pub(super) fn resume_hint(&self) -> String {
        let word = if self.payloads { "on" } else { "off" };
        format!("The stored data is not converted completely yet. Resume with `registry encryption {word}`")
    }

    /// Returns the keys that are no longer used.
    pub(super) fn removable(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter(|key| key.removable).filter_map(|key| key.key.as_deref())
    }
}

impl KeyReport {
    fn usage_text(&self) -> &'static str {
        match self {
            Self { key: None, .. } => "",
            Self { in_ring: false, .. } => "missing in the key ring of this process",
            Self { active: true, .. } => "active",
            Self { removable: true, .. } => "may be removed",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> KeyId {
        KeyId::new([byte; 4]).unwrap()
    }

    fn shown(unfinished: bool, uses: &[(Option<u8>, u64)]) -> Vec<(String, &'static str)> {
        let uses = uses.iter().map(|(byte, records)| KeyUse { records: *records, ..KeyUse::of(byte.map(key)) });
        let state = EncryptionState { payloads: true, active: Some(key(2)), unfinished, uses: uses.collect() };
        let shown = StatusReport::from_state(state, &[key(1), key(2), key(3)]);
        shown.keys.iter().map(|key| (key.key.clone().unwrap_or_default(), key.usage_text())).collect()
    }

    #[test]
    fn key_status_depends_on_ring_position_and_usage() {
        let [one, two, three, nine] = [1, 2, 3, 9].map(|byte| key(byte).to_string());
        let missing = "missing in the key ring of this process";
        let expect = [(&one, ""), (&two, "active"), (&three, ""), (&nine, missing), (&String::new(), "")];
        let found = shown(false, &[(None, 5), (Some(1), 1), (Some(2), 2), (Some(9), 4)]);
        assert_eq!(found.iter().map(|(key, words)| (key, *words)).collect::<Vec<_>>(), expect);
        assert_eq!(shown(false, &[(Some(2), 2)])[0], (one.clone(), "may be removed"));
        assert_eq!(shown(true, &[(Some(2), 2)])[0], (one, ""));
    }
}
