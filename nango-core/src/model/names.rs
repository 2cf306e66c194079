//! JSON names of the fields of models, which the attribute of a patch compares with its own when it is compiled.

use std::marker::PhantomData;

use super::Model;

/// Rust names of fields with their JSON names.
pub(super) type FieldNames = &'static [(&'static str, &'static str)];

/// Number of texts of a message of [`renamed_field`].
const MESSAGE_PARTS: usize = 11;

/// Access to the names of a type that may be a model: `ModelNames::<T>::RENAMED` is [`Model::RENAMED`] of a model, and
/// with [`NoModelNames`] in scope it is empty for another type, whose error is reported elsewhere.
#[derive(Debug)]
pub struct ModelNames<T>(PhantomData<T>);

impl<T: Model> ModelNames<T> {
    /// Names of the fields that serde renames.
    pub const RENAMED: FieldNames = T::RENAMED;
}

/// Implemented for every type, with no names: see [`ModelNames`].
pub trait NoModelNames {
    /// The names of a type that is not a model: none.
    const RENAMED: FieldNames = &[];
}

impl<T> NoModelNames for ModelNames<T> {}

/// Returns the texts of the message for the first field of a patch with another JSON name than in its model; empty
/// texts if there is none. A patch with such a field would change nothing, because stored records have the other name.
pub const fn renamed_field(
    patch: &'static str,
    fields: FieldNames,
    model: &'static str,
    renamed: FieldNames,
) -> [&'static str; MESSAGE_PARTS] {
    let mut at = 0;
    while at < fields.len() {
        let (field, own) = fields[at];
        let expected = json_name(field, renamed);
        if !same(own, expected) {
            let advice = "`: give the patch the `#[serde(rename_all = …)]` or `rename` of the model";
            return [
                "the field `",
                field,
                "` of the patch `",
                patch,
                "` is `",
                own,
                "` in JSON, but in the model `",
                model,
                "` it is `",
                expected,
                advice,
            ];
        }
        at += 1;
    }
    [""; MESSAGE_PARTS]
}

const fn json_name(field: &'static str, renamed: FieldNames) -> &'static str {
    let mut at = 0;
    while at < renamed.len() {
        if same(renamed[at].0, field) {
            return renamed[at].1;
        }
        at += 1;
    }
    field
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    a.len() == b.len()
}

/// Returns the length of texts in bytes.
pub const fn length(texts: &[&str]) -> usize {
    let (mut at, mut length) = (0, 0);
    while at < texts.len() {
        length += texts[at].len();
        at += 1;
    }
    length
}

/// Joins texts of this [`length`].
pub const fn joined<const N: usize>(texts: &[&str]) -> [u8; N] {
    let mut bytes = [0; N];
    let (mut at, mut end) = (0, 0);
    while at < texts.len() {
        let text = texts[at].as_bytes();
        let mut of_text = 0;
        while of_text < text.len() {
            bytes[end] = text[of_text];
            of_text += 1;
            end += 1;
        }
        at += 1;
    }
    bytes
}

/// Fails the compilation with a message, unless it is empty.
///
/// # Panics
///
/// Panics if the message is not empty. It is called only in constants.
pub const fn assert_no_message(message: &[u8]) {
    if let Ok(text) = std::str::from_utf8(message) {
        assert!(text.is_empty(), "{}", text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_patch_field_and_the_name_in_the_model() {
        let renamed: FieldNames = &[("full_name", "fullName")];
        let message = |fields: FieldNames, renamed: FieldNames| renamed_field("P", fields, "M", renamed).concat();
        assert_eq!(message(&[("id", "id"), ("full_name", "fullName")], renamed), "");
        assert_eq!(
            message(&[("full_name", "full_name")], renamed),
            "the field `full_name` of the patch `P` is `full_name` in JSON, but in the model `M` it is `fullName`: \
             give the patch the `#[serde(rename_all = …)]` or `rename` of the model"
        );
        assert!(message(&[("a", "A")], &[]).contains("is `A` in JSON, but in the model `M` it is `a`"));
        assert_eq!(joined::<{ length(&["a", "üb"]) }>(&["a", "üb"]), *"aüb".as_bytes());
        const { assert_no_message(&[]) };
    }
}
