//! Serializers for values that must be text: keys of maps, and the content of a `RawValue`.

use serde::{
    Serialize,
    ser::{self, Impossible},
};

use super::CanonicalError;

type Text = Result<String, CanonicalError>;

/// Serializes the key of a map: strings, and values that JSON writes as strings (numbers, booleans, unit variants).
pub(super) struct KeyText;
/// Serializes the text of a `RawValue`.
pub(super) struct RawText;

macro_rules! text_only {
    ($name:ident, $what:literal, $($simple:ident $t:ty),*) => {
        impl ser::Serializer for $name {
            type Ok = String;
            type Error = CanonicalError;
            type SerializeSeq = Impossible<String, CanonicalError>;
            type SerializeTuple = Impossible<String, CanonicalError>;
            type SerializeTupleStruct = Impossible<String, CanonicalError>;
            type SerializeTupleVariant = Impossible<String, CanonicalError>;
            type SerializeMap = Impossible<String, CanonicalError>;
            type SerializeStruct = Impossible<String, CanonicalError>;
            type SerializeStructVariant = Impossible<String, CanonicalError>;

            $(fn $simple(self, v: $t) -> Text { Ok(v.to_string()) })*

            fn serialize_unit_variant(self, _: &'static str, _: u32, v: &'static str) -> Text {
                Ok(v.to_owned())
            }
            fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, v: &T) -> Text {
                v.serialize(self)
            }
            fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Text {
                v.serialize(self)
            }
            fn serialize_f32(self, _: f32) -> Text { refuse($what) }
            fn serialize_f64(self, _: f64) -> Text { refuse($what) }
            fn serialize_bytes(self, _: &[u8]) -> Text { refuse($what) }
            fn serialize_none(self) -> Text { refuse($what) }
            fn serialize_unit(self) -> Text { refuse($what) }
            fn serialize_unit_struct(self, _: &'static str) -> Text { refuse($what) }
            fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, _: &'static str, _: &T)
                -> Text { refuse($what) }
            fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, CanonicalError> { refuse($what) }
            fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, CanonicalError> { refuse($what) }
            fn serialize_tuple_struct(self, _: &'static str, _: usize)
                -> Result<Self::SerializeTupleStruct, CanonicalError> { refuse($what) }
            fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize)
                -> Result<Self::SerializeTupleVariant, CanonicalError> { refuse($what) }
            fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, CanonicalError> { refuse($what) }
            fn serialize_struct(self, _: &'static str, _: usize)
                -> Result<Self::SerializeStruct, CanonicalError> { refuse($what) }
            fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize)
                -> Result<Self::SerializeStructVariant, CanonicalError> { refuse($what) }
        }
    };
}
text_only!(KeyText, "a key of a map is a string or an integer",
    serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_u8 u8,
    serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_char char, serialize_str &str);
text_only!(RawText, "a raw value contains text",
    serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_u8 u8,
    serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_char char, serialize_str &str);

#[cold]
fn refuse<T>(what: &str) -> Result<T, CanonicalError> {
    Err(CanonicalError(what.to_owned()))
}
