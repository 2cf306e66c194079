//! Query strings with repeated keys and `tags[team]=data`, as Nango's clients write them.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, IntoDeserializer, Visitor,
        value::{Error, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::booleans;
use crate::wire::ValidationError;

/// Maximum number of parameters.
const MAX_PAIRS: usize = 1_000;

/// Values of a query string by key, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, QueryValue)>);

/// Value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueryValue {
    /// The key occurs once.
    Text(String),
    /// The key is repeated, or ends in `[]`.
    List(Vec<String>),
    /// The key has names, as in `tags[team]=data`.
    Map(Vec<(String, String)>),
}

impl Query {
    /// Parses a query string without its `?`.
    ///
    /// # Errors
    ///
    /// Fails if a key is used in two ways, has more than one name, or there are more than 1,000 parameters.
    pub(crate) fn parse(text: &str) -> Result<Self, ValidationError> {
        let mut query = Self::default();
        for (index, (key, value)) in url::form_urlencoded::parse(text.as_bytes()).enumerate() {
            if index >= MAX_PAIRS {
                return Err(ValidationError::new("too_big", "Too big: expected <=1000 parameters", &[]));
            }
            query.add(&key, value.into_owned())?;
        }
        Ok(query)
    }

    fn add(&mut self, key: &str, value: String) -> Result<(), ValidationError> {
        let (name, part) = match key.split_once('[') {
            Some((name, part)) => (name, Some(part.strip_suffix(']').filter(|part| !part.contains(['[', ']'])))),
            None => (key, None),
        };
        let invalid = || ValidationError::new("custom", "Invalid key: use `name`, `name[]` or `name[key]`", &[name]);
        let new = match part {
            None => QueryValue::Text(value),
            Some(Some("")) => QueryValue::List(vec![value]),
            Some(Some(part)) => QueryValue::Map(vec![(part.to_owned(), value)]),
            Some(None) => return Err(invalid()),
        };
        let Some((_, known)) = self.0.iter_mut().find(|(known, _)| known == name) else {
            self.0.push((name.to_owned(), new));
            return Ok(());
        };
        match (&mut *known, new) {
            (QueryValue::Map(entries), QueryValue::Map(more)) => {
                if more.iter().any(|(key, _)| entries.iter().any(|(known, _)| known == key)) {
                    return Err(invalid());
                }
                entries.extend(more);
            }
            (QueryValue::List(list), QueryValue::List(more)) => list.extend(more),
            (QueryValue::List(list), QueryValue::Text(text)) => list.push(text),
            (QueryValue::Text(first), QueryValue::Text(text)) => {
                *known = QueryValue::List(vec![std::mem::take(first), text]);
            }
            _ => return Err(invalid()),
        }
        Ok(())
    }

    /// Returns the keys with their values.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &QueryValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the value of a key.
    pub(crate) fn get(&self, name: &str) -> Option<&QueryValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Decodes the values: numbers and booleans are parsed, one value is a list of one.
    ///
    /// # Errors
    ///
    /// Fails if a value does not fit its field, or a field is missing.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, ValidationError> {
        let entries = self.0.iter().map(|(name, value)| (name.as_str(), value.clone()));
        T::deserialize(MapDeserializer::<_, Error>::new(entries))
            .map_err(|error| ValidationError::new("custom", error.to_string(), &[]))
    }
}

impl IntoDeserializer<'_> for QueryValue {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Error of a text that is not of the expected type. It does not quote the text.
fn expected(what: impl fmt::Display) -> Error {
    serde::de::Error::custom(format_args!("Invalid input: expected {what}"))
}

macro_rules! parsed {
    ($($method:ident $visit:ident $what:literal,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number = match &self {
                Self::Text(text) => text.parse().ok(),
                _ => None,
            };
            visitor.$visit(number.ok_or_else(|| expected($what))?)
        })*
    };
}

impl<'de> Deserializer<'de> for QueryValue {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_string(text),
            Self::List(list) => visitor.visit_seq(SeqDeserializer::new(list.into_iter())),
            Self::Map(entries) => visitor.visit_map(MapDeserializer::new(entries.into_iter())),
        }
    }

    parsed! {
        deserialize_u8 visit_u8 "number",
        deserialize_u16 visit_u16 "number",
        deserialize_u32 visit_u32 "number",
        deserialize_u64 visit_u64 "number",
        deserialize_i8 visit_i8 "number",
        deserialize_i16 visit_i16 "number",
        deserialize_i32 visit_i32 "number",
        deserialize_i64 visit_i64 "number",
        deserialize_f32 visit_f32 "number",
        deserialize_f64 visit_f64 "number",
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let found = match &self {
            Self::Text(text) => booleans::parse(text),
            _ => None,
        };
        visitor.visit_bool(found.ok_or_else(|| expected("boolean"))?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_seq(SeqDeserializer::new(std::iter::once(text))),
            Self::List(list) => visitor.visit_seq(SeqDeserializer::new(list.into_iter())),
            Self::Map(_) => Err(expected("array")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => {
                IntoDeserializer::<Error>::into_deserializer(text).deserialize_enum(name, variants, visitor)
            }
            _ => Err(expected("string")),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Action {
        #[default]
        Added,
        Deleted,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Sample {
        limit: Option<u32>,
        deep: bool,
        ids: Vec<String>,
        tags: BTreeMap<String, String>,
        action: Action,
        cursor: Option<String>,
    }

    fn decode(text: &str) -> Result<Sample, String> {
        let query = Query::parse(text).map_err(|error| error.message)?;
        query.decode().map_err(|error| error.message)
    }

    #[test]
    fn query_is_decoded_by_type() {
        let sample =
            decode("limit=5&deep=YES&ids=a&ids=b%20c&tags[x]=1&tags[y]=2&action=deleted&cursor=a%2Bb").unwrap();
        assert_eq!(sample.limit, Some(5));
        assert!(sample.deep);
        assert_eq!(sample.ids, ["a", "b c"]);
        assert_eq!(sample.tags, BTreeMap::from([("x".into(), "1".into()), ("y".into(), "2".into())]));
        assert_eq!((sample.action, sample.cursor.as_deref()), (Action::Deleted, Some("a+b")));
        assert_eq!(decode("").unwrap(), Sample::default());
        assert_eq!(decode("ids=a").unwrap().ids, ["a"]);
        assert_eq!(decode("ids[]=a&ids[]=b").unwrap().ids, ["a", "b"]);
        assert_eq!(decode("ids%5B%5D=a").unwrap().ids, ["a"]);
    }

    #[test]
    fn value_of_another_type_is_refused_without_quoting_it() {
        for (text, expect) in [
            ("limit=hush", "Invalid input: expected number"),
            ("limit=1&limit=2", "Invalid input: expected number"),
            ("deep=hush", "Invalid input: expected boolean"),
            ("tags[a][b]=1", "Invalid key: use `name`, `name[]` or `name[key]`"),
            ("tags[a=1", "Invalid key: use `name`, `name[]` or `name[key]`"),
            ("tags=1&tags[a]=2", "Invalid key: use `name`, `name[]` or `name[key]`"),
            ("tags[a]=1&tags[a]=2", "Invalid key: use `name`, `name[]` or `name[key]`"),
        ] {
            assert_eq!(decode(text).unwrap_err(), expect, "{text}");
        }
        assert!(Query::parse(&"a=1&".repeat(1_001)).is_err());
    }
}
