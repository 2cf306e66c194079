//! Check of the types of fields, before the derives use them.
//!
//! A field type that is not data would be an error of each derive. The type `Price` of a field is emitted as
//! `<[Price; field::<Price>()] as Elem>::T`, which is `Price`. If `Price` is not data, the length of the array is an
//! error, which is reported once, and the type of the field is unknown, so that the derives report nothing.
//!
//! The array is inside of containers, `Vec<<[Category; …] as Elem>::T>`: whether a recursive model is `Sized` must not
//! depend on the length, which depends on the traits of the model. For the same reason, a type with parameters that is
//! not a known container is emitted as it is. Types that are always data are emitted as they are, so that most models
//! cost nothing. Documentation shows the types as they were written.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, GenericArgument, PathArguments, Type, parse_quote,
    punctuated::Punctuated, spanned::Spanned,
};

use crate::serde_attributes;

/// Types that are data, by the last segment of their path. A type of the user with such a name is not checked here, but
/// by the derives.
const DATA: [&str; 21] = [
    "Self",
    "bool",
    "char",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
    "String",
    "Value",
    "Timestamp",
    "Uuid",
];

/// Types whose parameters are checked instead of the type.
const CONTAINERS: [&str; 11] =
    ["Option", "Vec", "Box", "VecDeque", "BTreeMap", "BTreeSet", "HashMap", "HashSet", "Patch", "Rc", "Arc"];

/// Keys of `#[serde(…)]` and `#[schemars(…)]` with which a derive does not use the traits of a field's type.
const OTHER_CODE: [&str; 9] = [
    "with",
    "serialize_with",
    "deserialize_with",
    "schema_with",
    "skip",
    "skip_serializing",
    "skip_deserializing",
    "borrow",
    "getter",
];

/// Keys of `#[serde(…)]` with which a derive uses another type in place of the item.
const REPLACED: [&str; 4] = ["from", "try_from", "into", "remote"];

/// Returns the item with checked types of fields. `None` if no type needs a check.
pub(crate) fn checked(input: &DeriveInput) -> Option<DeriveInput> {
    let replaced = serde_attributes::keys(&input.attrs, "serde");
    if replaced.iter().any(|key| REPLACED.contains(&key.as_str())) {
        return None;
    }
    let mut input = input.clone();
    let changed = match &mut input.data {
        Data::Struct(data) => check_fields(&mut data.fields),
        // All variants are changed.
        Data::Enum(data) => {
            let variants = data.variants.iter_mut().filter(|variant| !has_own_code(&variant.attrs));
            variants.map(|variant| check_fields(&mut variant.fields)).fold(false, |a, b| a | b)
        }
        Data::Union(_) => false,
    };
    (changed && input.generics.params.is_empty()).then_some(input)
}

/// Replaces each field whose type needs a check by two, of which the condition `doc` selects one.
fn check_fields(fields: &mut Fields) -> bool {
    let list = match fields {
        Fields::Named(fields) => &mut fields.named,
        Fields::Unnamed(fields) => &mut fields.unnamed,
        Fields::Unit => return false,
    };
    let mut changed = false;
    let mut checked = Punctuated::new();
    for field in std::mem::take(list) {
        let mut emitted = field.clone();
        if has_own_code(&field.attrs) || !check_type(&mut emitted.ty) {
            checked.push(field);
            continue;
        }
        changed = true;
        emitted.attrs.push(parse_quote!(#[cfg(not(doc))]));
        let documented = Field { attrs: [field.attrs.clone(), vec![parse_quote!(#[cfg(doc)])]].concat(), ..field };
        checked.extend([documented, emitted]);
    }
    *list = checked;
    changed
}

/// Returns whether the user's code replaces a trait of the type of a field or variant.
fn has_own_code(attrs: &[Attribute]) -> bool {
    let has = |name| serde_attributes::keys(attrs, name).iter().any(|key| OTHER_CODE.contains(&key.as_str()));
    has("serde") || has("schemars")
}

/// Replaces the parts of a type that need a check. Returns whether there are any.
fn check_type(ty: &mut Type) -> bool {
    match ty {
        Type::Array(array) => check_type(&mut array.elem),
        Type::Paren(inner) => check_type(&mut inner.elem),
        Type::Group(inner) => check_type(&mut inner.elem),
        Type::Tuple(tuple) => tuple.elems.iter_mut().map(check_type).fold(false, |a, b| a | b),
        Type::Path(path) if path.qself.is_none() => {
            let Some(last) = path.path.segments.last_mut() else { return false };
            match &mut last.arguments {
                PathArguments::AngleBracketed(args) if CONTAINERS.iter().any(|name| last.ident == name) => {
                    let check = |arg: &mut GenericArgument| match arg {
                        GenericArgument::Type(ty) => check_type(ty),
                        _ => false,
                    };
                    args.args.iter_mut().map(check).fold(false, |a, b| a | b)
                }
                PathArguments::None if !DATA.iter().any(|name| last.ident == name) => {
                    *ty = Type::Verbatim(array_element(ty));
                    true
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// Returns a type that is `ty`, or an error if `ty` is not data.
fn array_element(ty: &Type) -> TokenStream {
    quote_spanned! {ty.span()=>
        <[#ty; ::__nango_core::__private::field::<#ty>()] as ::__nango_core::__private::Elem>::T
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    fn emitted(item: &str) -> Option<String> {
        let text = checked(&syn::parse_str(item).unwrap())?.to_token_stream().to_string();
        Some(text.replace(":: __nango_core :: __private :: ", ""))
    }

    #[test]
    fn types_that_are_data_are_emitted_as_written() {
        for fields in [
            "id: u64, name: Option<String>, tags: Vec<(String, f64)>, more: HashMap<String, serde_json::Value>",
            "page: Page<Item>, text: &'static str, list: [u8; 4], of: <A as B>::C",
            "#[serde(with = \"x\")] a: Price, #[serde(skip)] b: Price, #[schemars(schema_with = \"x\")] c: Price",
        ] {
            assert_eq!(emitted(&format!("struct A {{ {fields} }}")), None, "{fields}");
        }
        assert_eq!(emitted("enum A { B, C(u8) }"), None);
        assert_eq!(emitted("enum A { #[serde(skip)] B(Price) }"), None);
        assert_eq!(emitted("struct A<T> { a: T }"), None);
        assert_eq!(emitted("#[serde(from = \"Raw\", into = \"Raw\")] struct A { a: Price }"), None);
    }

    #[track_caller]
    fn check_emitted(ty: &str, expect: &str) {
        let text = emitted(&format!("struct A {{ a: {ty} }}")).unwrap().replace(' ', "");
        let expect = format!("#[cfg(doc)]a:{},#[cfg(not(doc))]a:{expect}", ty.replace(' ', ""));
        assert!(text.contains(&expect.replace(' ', "")), "{text}");
    }

    #[test]
    fn other_type_is_checked_inside_of_containers() {
        check_emitted("Price", "<[Price; field::<Price>()] as Elem>::T");
        check_emitted("Option<Box<Price>>", "Option<Box<<[Price; field::<Price>()] as Elem>::T>>");
        check_emitted(
            "HashMap<String, shop::Price>",
            "HashMap<String, <[shop::Price; field::<shop::Price>()] as Elem>::T>",
        );
        check_emitted("(u8, Price)", "(u8, <[Price; field::<Price>()] as Elem>::T)");
    }

    #[test]
    fn fields_of_all_variants_are_checked() {
        let text = emitted("enum A { B(Price), C { a: Vec<Cost>, b: u8 } }").unwrap();
        assert_eq!(text.matches("Elem").count(), 2, "{text}");
    }
}
