//! Golden test of stored values, derived keys, hashes and channel names (`golden/stored.txt`): a database that an
//! earlier build wrote must stay readable.

use std::sync::Arc;

use super::{
    BASE_VARIANT, Cursor, DatasetKey, FunctionKey, HeldBy, KeyId, Keys, LastAction, Level, ParentKey, Problem,
    RunStatus, Table, credentials_context,
    encryption::{StoredPolicy, Vault},
    hash::Hasher,
    parent_context, resume_context, row_flags, secret_context,
};
use crate::{
    auth::KeyRing,
    declare::{Event, FunctionKind},
    golden::{Lines, hex, unhex},
};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const PAYLOAD: &[u8] = br#"{"id":1,"title":"A"}"#;
/// [`PAYLOAD`] as record `1`, sealed with [`KEY`].
const SEALED_PAYLOAD: &str = "\
    b0f1c9d9a66de899cbe5dd877e701eff0aa2a342ab8f537c9a06877625198e9862654e74a83c0c987a0d41816335ee58";
/// A secret of content hashes, sealed with [`KEY`].
const SEALED_HASH_SECRET: &str = "\
    227a532b4b43415f720c03a06eb6737e4c35e24829cab9ed1c532b0f857833ede78afef4dc27122c942bb40de3149b880710\
    9b002c11a9b1638c5ef4";

fn dataset() -> DatasetKey {
    let [integration, connection, model, variant] = ["github", "acme", "Issue", "base"].map(str::to_owned);
    DatasetKey { integration, connection, model, variant }
}

fn function() -> FunctionKey {
    let [integration, connection, function, variant] = ["github", "acme", "issues", "base"].map(str::to_owned);
    FunctionKey { kind: FunctionKind::Sync, integration, connection, function, variant }
}

fn key() -> (Arc<KeyRing>, KeyId) {
    let ring = KeyRing::from_key(KEY).unwrap();
    let id = ring.ids()[0];
    (Arc::new(ring), id)
}

/// Returns the vault of a database with sealed payloads, and its policy.
fn sealed(hash_secret: Vec<u8>) -> (Vault, StoredPolicy) {
    let (ring, id) = key();
    let vault = Vault::new(Hasher::new(&[7; 32]));
    vault.use_keys(ring);
    let policy = StoredPolicy {
        policy_version: 1,
        payloads: true,
        active: Some(id),
        hash_secret: Some(hash_secret),
        ..StoredPolicy::default()
    };
    (vault, policy)
}

#[test]
fn stored_values_are_frozen() {
    let (statuses, kinds) = (RunStatus::ALL, FunctionKind::ALL);
    let events = [Event::PostConnectionCreation, Event::PreConnectionDeletion, Event::ValidateConnection];
    let levels = Level::ALL;
    let actions = [LastAction::Added, LastAction::Updated, LastAction::Deleted];
    let held = [HeldBy::Guard, HeldBy::MaxDeletes];
    let problems = [
        Problem::File,
        Problem::Counts,
        Problem::DatasetBehind,
        Problem::DuplicateSequence,
        Problem::TimestampRegression,
        Problem::DuplicateId,
        Problem::MissingKeyRow,
        Problem::MissingPayloadRow,
        Problem::State,
        Problem::Hash,
        Problem::Payload,
        Problem::Seal,
        Problem::Orphans,
        Problem::Unreadable,
    ];

    let mut lines = Lines::default();
    lines.all("run status", statuses.map(RunStatus::name));
    lines.all("function kind", kinds.map(FunctionKind::name));
    lines.all("event", events.map(Event::name));
    lines.all("log level", levels.map(Level::name));
    lines.all("last action", actions.map(LastAction::name));
    lines.all("last action, stored", [row_flags::ADDED_ACTION, row_flags::UPDATED_ACTION, row_flags::DELETED_ACTION]);
    lines.all("record state, stored", [row_flags::DELETED_FLAG, row_flags::PRUNED_FLAG, row_flags::MERGED_FLAG]);
    lines.all("reason of a held delete, stored", held.map(HeldBy::to_stored));
    lines.all("problem", problems.map(Problem::name));
    lines.add("variant", BASE_VARIANT);
    for table in Table::ALL {
        lines.add("table of a copy", format!("{} ({})", table.name(), table.columns().join(" ")));
    }
    lines.check("stored.txt");

    for status in statuses {
        assert_eq!(RunStatus::from_name(status.name()), Some(status));
    }
    for kind in kinds {
        assert_eq!(FunctionKind::from_name(kind.name()), Some(kind));
    }
    for level in levels {
        assert_eq!(Level::from_name(level.name()), Some(level));
    }
    for reason in held {
        assert_eq!(HeldBy::from_stored(reason.to_stored()), Some(reason));
    }
}

#[test]
fn contexts_derived_keys_and_hashes_are_frozen() {
    let (ring, id) = key();
    let fast = Hasher::new(&[7; 32]);
    let secret = fast.with_secret(Some(zeroize::Zeroizing::new([9; 32])), true);

    let mut lines = Lines::default();
    lines.add("credentials context", credentials_context("github", "acme").escape_ascii());
    lines.add("resume context", resume_context(&function()).escape_ascii());
    lines.add("parent context", parent_context(&function(), "C1").escape_ascii());
    lines.add("secret context", secret_context("webhook_signing_key").escape_ascii());
    lines.bytes("parent key", &ParentKey::of("C1").0);
    lines.add("payload context", dataset().length_prefixed().escape_ascii());
    lines.add("key id", id);
    lines.add("key id, stored", id.to_stored());
    lines.bytes("payload secret of a key", &*ring.payload_secret(id).unwrap());
    lines.bytes("record hash, version 1", &fast.hash_record_as(1, PAYLOAD).unwrap());
    lines.bytes("record hash, version 2", &secret.hash_record_as(2, PAYLOAD).unwrap());
    lines.bytes("record hash, version 3", &secret.hash_record_as(3, PAYLOAD).unwrap());
    lines.all("hash version, stored", [fast.version(), secret.version()]);
    let feed = fast.feed_id(&dataset());
    lines.add("feed", format_args!("{feed:016x}"));
    let cursor = Cursor { feed_id: feed, seq: 42 };
    lines.add("cursor", cursor.encode());
    lines.check("derived.txt");
    assert_eq!(Cursor::decode(&cursor.encode(), feed).unwrap(), cursor);
}

#[test]
fn sealed_payload_of_an_earlier_build_opens() {
    let (vault, policy) = sealed(unhex(SEALED_HASH_SECRET));
    let key = policy.active.unwrap();
    let opened =
        vault.seal_for_reading(&dataset()).open("1", &unhex(SEALED_PAYLOAD), key.to_stored()).unwrap().into_owned();
    assert_eq!(opened, PAYLOAD);
    let policy = vault.resolve_policy(&policy).unwrap();
    assert_eq!(
        (policy.hasher.version(), hex(&policy.hasher.hash_record(PAYLOAD)).as_str()),
        (2, "4543ef972fa01dfb6fb06b802d3687d6")
    );
}
