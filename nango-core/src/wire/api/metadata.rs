//! Changes of metadata.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::text::{ConnectionId, UniqueKey};

/// Maximum number of connections in one request.
const MAX_CONNECTIONS: usize = 1_000;

/// Body of a change of metadata. The response repeats it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetadataBody {
    /// Id of the connection, or the ids of several ones: all of them change, or none.
    pub connection_id: ConnectionIds,
    /// Unique key of the integration.
    pub provider_config_key: UniqueKey,
    /// Metadata to store or to merge.
    pub metadata: Map<String, Value>,
}

/// One or several ids of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectionIds(Vec<ConnectionId>);

impl ConnectionIds {
    /// Returns the ids in the order of the request.
    pub(crate) fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(|id| id.as_ref().to_owned()).collect()
    }
}

impl<'de> Deserialize<'de> for ConnectionIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdsVisitor;
        impl<'de> Visitor<'de> for IdsVisitor {
            type Value = ConnectionIds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "the id of a connection, or a list of 1 to {MAX_CONNECTIONS} ids")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ConnectionIds, E> {
                let id = ConnectionId::deserialize(de::value::StrDeserializer::<E>::new(text))?;
                Ok(ConnectionIds(vec![id]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<ConnectionIds, A::Error> {
                let mut ids = Vec::new();
                while let Some(id) = sequence.next_element()? {
                    ids.push(id);
                    if ids.len() > MAX_CONNECTIONS {
                        break;
                    }
                }
                if ids.is_empty() || ids.len() > MAX_CONNECTIONS {
                    return Err(de::Error::custom(format!("expected 1 to {MAX_CONNECTIONS} ids")));
                }
                Ok(ConnectionIds(ids))
            }
        }
        deserializer.deserialize_any(IdsVisitor)
    }
}

impl JsonSchema for ConnectionIds {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ConnectionIds".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let id = ConnectionId::json_schema(generator);
        json_schema!({
            "anyOf": [id, { "type": "array", "items": id, "minItems": 1, "maxItems": MAX_CONNECTIONS }],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn body_names_one_connection_or_several() {
        let read = |ids: Value| {
            let body = json!({ "connection_id": ids, "provider_config_key": "github", "metadata": {} });
            serde_json::from_value::<MetadataBody>(body).map(|body| body.connection_id.to_strings())
        };
        assert_eq!(read(json!("a")).unwrap(), ["a"]);
        assert_eq!(read(json!(["b", "a"])).unwrap(), ["b", "a"]);
        for wrong in [json!([]), json!(""), json!(["a", 1]), json!(null), json!(vec!["a"; 1_001])] {
            assert!(read(wrong).is_err());
        }
    }
}
