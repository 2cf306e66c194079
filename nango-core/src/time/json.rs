//! Timestamps in the JSON of models, inputs and checkpoints: RFC 3339.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::Timestamp;

/// Writes UTC with as many digits as needed, so that equal timestamps have equal texts.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_in_calendar() {
            return Err(ser::Error::custom("a timestamp outside of the years -9999 to 9999 has no text in RFC 3339"));
        }
        serializer.collect_str(self)
    }
}

/// Reads any offset. Digits beyond microseconds are cut off.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rfc3339;

        impl de::Visitor<'_> for Rfc3339 {
            type Value = Timestamp;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a time in RFC 3339 with an offset, such as `2026-11-22T12:00:00Z`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse_rfc3339(text).ok_or_else(|| E::invalid_value(de::Unexpected::Other("a text"), &self))
            }
        }

        deserializer.deserialize_str(Rfc3339)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn timestamp_is_text_in_utc_and_any_offset_is_read() {
        let at = Timestamp::from_micros(1_795_348_800_001_234);
        assert_eq!(json!(at), "2026-11-22T12:00:00.001234Z");
        for text in ["2026-11-22T12:00:00.001234Z", "2026-11-22T13:30:00.001234567+01:30"] {
            assert_eq!(serde_json::from_value::<Timestamp>(json!(text)).unwrap(), at, "{text}");
        }
        assert_eq!(json!(Timestamp::from_seconds(0)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn text_without_an_offset_is_an_error_with_an_example() {
        for value in
            [json!("2026-11-22T12:00:00"), json!("2026-11-22"), json!("soon"), json!(1_795_348_800), json!(null)]
        {
            let error = serde_json::from_value::<Timestamp>(value).unwrap_err().to_string();
            let expect = "expected a time in RFC 3339 with an offset, such as `2026-11-22T12:00:00Z`";
            assert!(error.ends_with(expect) && !error.contains("soon"), "{error}");
        }
    }

    #[test]
    fn timestamp_outside_of_the_calendar_is_not_written() {
        assert!(serde_json::to_value(Timestamp::MAX).is_err() && serde_json::to_value(Timestamp::MIN).is_err());
    }

    #[test]
    fn schema_has_the_format_of_a_date() {
        let expect = json!({ "type": "string", "format": "date-time" });
        assert_eq!(Timestamp::json_schema(&mut SchemaGenerator::default()).to_value(), expect);
    }
}
