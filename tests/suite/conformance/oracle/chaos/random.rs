//! Random records, update times and patches.

use nango_tests::rng::Rng;
use serde_json::{Map, Value, json};

use super::super::expected::FAR;
use crate::conformance::support::{Doc, doc};

/// Returns a record with this id; its fields have one of a few values.
pub(super) fn random_doc(rng: &mut Rng, id: &str) -> Doc {
    let title = (!rng.one_in(3)).then(|| "t".to_owned());
    let map = (0..rng.below(3)).map(|n| (format!("k{n}"), json!({ "v": n }))).collect();
    let last = rng.one_in(4).then_some(0.5);
    let at = rng.one_in(2).then(|| random_time(rng));
    Doc { title, map, last, at, ..doc(id, rng.below(3)) }
}

/// Returns one of a few update times, or one that is far in the future.
pub(super) fn random_time(rng: &mut Rng) -> i64 {
    if rng.one_in(12) { FAR } else { i64::try_from(rng.below(4)).unwrap() }
}

/// Returns fields of a patch: an existing one, one that may be new, a nested one, and the update time.
pub(super) fn random_fields(rng: &mut Rng) -> Map<String, Value> {
    let mut fields = Map::new();
    if rng.one_in(2) {
        fields.insert("n".to_owned(), json!(rng.below(3)));
    }
    if rng.one_in(2) {
        fields.insert("title".to_owned(), json!("t"));
    }
    if rng.one_in(2) {
        fields.insert("map".to_owned(), json!({ "k1": { "v": rng.below(2) } }));
    }
    if rng.one_in(3) {
        fields.insert("at".to_owned(), json!(random_time(rng)));
    }
    fields
}
