//! Exact deserializer: refuses numbers that would be rounded in a type that does not declare rounding.
//!
//! A field of type `f64` declares rounding. A [`serde_json::Value`], and flattened or untagged types, accept any number
//! and would store a different one than was sent. The texts of values are parsed level by level, which is slow, so this
//! deserializer is used only for texts in which [`super::number`] found such a number.

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde_json::{Error, value::RawValue};

use super::number::is_exact;
use crate::redact::INEXACT;

/// Name by which `serde_json` recognises its raw values.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Decodes a text that has a number which a [`serde_json::Value`] would round.
///
/// # Errors
///
/// Fails with the path of the number if the type does not declare rounding, or of another value that does not fit.
pub(crate) fn deserialize_exact<T: DeserializeOwned>(json: &str) -> Result<T, serde_path_to_error::Error<Error>> {
    serde_path_to_error::deserialize(ExactDeserializer(json))
}

/// A deserializer of the text of one JSON value.
#[derive(Clone, Copy)]
struct ExactDeserializer<'de>(&'de str);

macro_rules! forward_deserialize {
    ($($method:ident($($name:ident: $kind:ty),*))*) => { $(
        fn $method<V: Visitor<'de>>(self, $($name: $kind,)* visitor: V) -> Result<V::Value, Error> {
            let mut source = serde_json::Deserializer::from_str(self.0);
            let value = source.$method($($name,)* ExactAdapter(visitor))?;
            source.end()?;
            Ok(value)
        }
    )* };
}

impl<'de> Deserializer<'de> for ExactDeserializer<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = self.0.trim_ascii();
        if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && !is_exact(text) {
            return Err(Error::custom(INEXACT));
        }
        let mut source = serde_json::Deserializer::from_str(self.0);
        let value = source.deserialize_any(ExactAdapter(visitor))?;
        source.end()?;
        Ok(value)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.trim_ascii() == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == RAW_VALUE {
            return serde_json::Deserializer::from_str(self.0).deserialize_newtype_struct(name, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    forward_deserialize! {
        deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128() deserialize_f32()
        deserialize_f64() deserialize_char() deserialize_str() deserialize_string() deserialize_bytes()
        deserialize_byte_buf() deserialize_unit() deserialize_unit_struct(name: &'static str) deserialize_seq()
        deserialize_tuple(length: usize) deserialize_tuple_struct(name: &'static str, length: usize) deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) deserialize_identifier()
        deserialize_ignored_any()
    }
}

/// Wraps a visitor or an access so that nested values are decoded by [`ExactDeserializer`].
struct ExactAdapter<T>(T);

macro_rules! forward_visit {
    ($($method:ident: $kind:ty)*) => { $(
        fn $method<E: serde::de::Error>(self, value: $kind) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    )* };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ExactAdapter<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.expecting(f)
    }

    forward_visit! {
        visit_bool: bool visit_i64: i64 visit_i128: i128 visit_u64: u64 visit_u128: u128 visit_f64: f64 visit_str: &str
        visit_borrowed_str: &'de str visit_string: String visit_bytes: &[u8] visit_borrowed_bytes: &'de [u8]
        visit_byte_buf: Vec<u8>
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(ExactAdapter(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(ExactAdapter(fields))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(ExactAdapter(variant))
    }
}

fn deserialize_raw<'de, S: DeserializeSeed<'de>, E: serde::de::Error>(
    raw: &'de RawValue,
    seed: S,
) -> Result<S::Value, E> {
    seed.deserialize(ExactDeserializer(raw.get())).map_err(E::custom)
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for ExactAdapter<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element::<&'de RawValue>()?.map(|raw| deserialize_raw(raw, seed)).transpose()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ExactAdapter<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        deserialize_raw(self.0.next_value()?, seed)
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for ExactAdapter<A> {
    type Error = A::Error;
    type Variant = ExactAdapter<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, content) = self.0.variant_seed(seed)?;
        Ok((name, ExactAdapter(content)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for ExactAdapter<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        deserialize_raw(self.0.newtype_variant()?, seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(length, ExactAdapter(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, ExactAdapter(visitor))
    }
}
