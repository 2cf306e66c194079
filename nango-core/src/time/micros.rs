//! Timestamps in stored state: microseconds since 1970 (UTC) as a number, for `#[serde(with = "…")]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Timestamp;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde defines the signature")]
pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    at.as_micros().serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    i64::deserialize(deserializer).map(Timestamp::from_micros)
}

/// The same for an option, with `null` for `None`.
pub(crate) mod option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::time::Timestamp;

    #[expect(clippy::ref_option, reason = "serde defines the signature")]
    pub(crate) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::as_micros).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Timestamp::from_micros))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct State {
        #[serde(with = "super")]
        at: Timestamp,
        #[serde(default, with = "super::option")]
        since: Option<Timestamp>,
    }

    #[test]
    fn stored_timestamp_is_the_number_of_microseconds() {
        let state =
            |since: Option<i64>| State { at: Timestamp::from_micros(-7), since: since.map(Timestamp::from_micros) };
        assert_eq!(json!(state(Some(12))), json!({ "at": -7, "since": 12 }));
        assert_eq!(json!(state(None)), json!({ "at": -7, "since": null }));
        for stored in [json!({ "at": -7 }), json!({ "at": -7, "since": null })] {
            assert_eq!(serde_json::from_value::<State>(stored).unwrap(), state(None));
        }
    }
}
