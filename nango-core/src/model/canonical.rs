//! Canonical JSON of a record.
//!
//! Compact JSON in which fields of structs keep their declared order, keys of maps are sorted, integers are exact, and
//! floats are the shortest text that parses to the same value. Equal values have equal bytes, whatever the order in
//! which a map was filled, so the content hash can be computed over these bytes. `NaN` and the infinities are refused,
//! because JSON cannot represent them.
//!
//! The sorted maps need a separate serde serializer; `serde_json` writes the strings.

mod error;
mod text;

use std::fmt::Display;

use serde::{
    Serialize,
    ser::{self, SerializeMap},
};

use crate::json::decode_str;

pub(crate) use error::CanonicalError;
use text::{KeyText, RawText};

/// Struct name under which `serde_json::value::RawValue` serializes text that is already JSON.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Appends the canonical form of `value` to `out`. On an error, `out` may contain a part of it.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    value.serialize(Canonical { out })
}

struct Canonical<'a> {
    out: &'a mut Vec<u8>,
}

impl Canonical<'_> {
    fn integer(self, value: impl itoa::Integer) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn float(self, finite: bool, text: impl Display, shortest: &str) -> Result<(), CanonicalError> {
        if !finite {
            return Err(CanonicalError(format!("{text} is not a number that JSON can represent")));
        }
        self.out.extend_from_slice(shortest.as_bytes());
        Ok(())
    }

    fn string(self, text: &str) -> Result<(), CanonicalError> {
        serde_json::to_writer(self.out, text).map_err(ser::Error::custom)
    }
}

type Written = Result<(), CanonicalError>;

impl<'a> ser::Serializer for Canonical<'a> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Sorted<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    fn serialize_bool(self, v: bool) -> Written {
        self.out.extend_from_slice(if v { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i8(self, v: i8) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_i16(self, v: i16) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_i32(self, v: i32) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_i64(self, v: i64) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_i128(self, v: i128) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_u8(self, v: u8) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_u16(self, v: u16) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_u32(self, v: u32) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_u64(self, v: u64) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_u128(self, v: u128) -> Written {
        self.integer(v);
        Ok(())
    }

    fn serialize_f32(self, v: f32) -> Written {
        self.float(v.is_finite(), v, zmij::Buffer::new().format(v))
    }

    fn serialize_f64(self, v: f64) -> Written {
        self.float(v.is_finite(), v, zmij::Buffer::new().format(v))
    }

    fn serialize_char(self, v: char) -> Written {
        self.string(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Written {
        self.string(v)
    }

    fn serialize_bytes(self, v: &[u8]) -> Written {
        v.serialize(self)
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Written {
        self.string(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        let out = open_variant(self.out, variant, b"")?;
        write(value, out)?;
        out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<List<'a>, CanonicalError> {
        self.out.push(b'[');
        Ok(List { out: self.out, first: true, close: b"]" })
    }

    fn serialize_tuple(self, len: usize) -> Result<List<'a>, CanonicalError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<List<'a>, CanonicalError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<List<'a>, CanonicalError> {
        Ok(List { out: open_variant(self.out, variant, b"[")?, first: true, close: b"]}" })
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Sorted<'a>, CanonicalError> {
        Ok(Sorted { start: self.out.len(), out: self.out, entries: Vec::new() })
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Fields<'a>, CanonicalError> {
        if name == RAW_VALUE {
            return Ok(Fields { out: self.out, first: true, close: b"", raw: true });
        }
        self.out.push(b'{');
        Ok(Fields { out: self.out, first: true, close: b"}", raw: false })
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Fields<'a>, CanonicalError> {
        Ok(Fields { out: open_variant(self.out, variant, b"{")?, first: true, close: b"}}", raw: false })
    }
}

fn open_variant<'a>(out: &'a mut Vec<u8>, variant: &str, open: &[u8]) -> Result<&'a mut Vec<u8>, CanonicalError> {
    out.push(b'{');
    write(variant, out)?;
    out.push(b':');
    out.extend_from_slice(open);
    Ok(out)
}

/// Serializer of a sequence or tuple.
struct List<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    close: &'static [u8],
}

impl List<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        write(value, self.out)
    }

    fn close(self) {
        self.out.extend_from_slice(self.close);
    }
}

macro_rules! list {
    ($($trait:ident $method:ident)*) => { $(
        impl ser::$trait for List<'_> {
            type Ok = ();
            type Error = CanonicalError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.item(value)
            }

            fn end(self) -> Written {
                self.close();
                Ok(())
            }
        }
    )* };
}
list!(SerializeSeq serialize_element SerializeTuple serialize_element SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field);

/// Serializer of a struct, with the fields in their declared order.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
    close: &'static [u8],
    raw: bool,
}

impl Fields<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Written {
        if self.raw {
            // Raw JSON is parsed again, so that maps inside it are sorted as well.
            let text = value.serialize(RawText)?;
            let value: serde_json::Value = decode_str(&text).map_err(ser::Error::custom)?;
            return write(&value, self.out);
        }
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        write(key, self.out)?;
        self.out.push(b':');
        write(value, self.out)
    }
}

macro_rules! fields {
    ($($trait:ident)*) => { $(
        impl ser::$trait for Fields<'_> {
            type Ok = ();
            type Error = CanonicalError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Written {
                self.field(key, value)
            }

            fn end(self) -> Written {
                self.out.extend_from_slice(self.close);
                Ok(())
            }
        }
    )* };
}
fields!(SerializeStruct SerializeStructVariant);

/// Serializer of a map: its entries are appended after `start` in their original order, and sorted by key at the end.
struct Sorted<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    /// Key as text, and start and end of `"key":value` in `out`.
    entries: Vec<(String, usize, usize)>,
}

impl SerializeMap for Sorted<'_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        let key = key.serialize(KeyText)?;
        let start = self.out.len();
        write(key.as_str(), self.out)?;
        self.out.push(b':');
        self.entries.push((key, start, start));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        write(value, self.out)?;
        if let Some(entry) = self.entries.last_mut() {
            entry.2 = self.out.len();
        }
        Ok(())
    }

    fn end(mut self) -> Written {
        let sorted = self.entries.is_sorted_by(|a, b| a.0 < b.0);
        if !sorted {
            self.entries.sort_by(|a, b| a.0.cmp(&b.0));
        }
        let written = self.out.split_off(self.start);
        self.out.reserve(written.len() + self.entries.len() + 1);
        self.out.push(b'{');
        for (i, (_, from, to)) in self.entries.iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(&written[from - self.start..to - self.start]);
        }
        self.out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests;
