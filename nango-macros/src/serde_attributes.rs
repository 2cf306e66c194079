//! Serde attributes of a field: its name in JSON, and the keys that are written.

use proc_macro2::{Span, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Field, LitStr, Meta, Token,
    ext::IdentExt,
    meta::ParseNestedMeta,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::data::DataType;

/// Returns the name that serde writes for a field of a struct with these attributes.
pub(crate) fn json_name(container: &[Attribute], field: &Field) -> String {
    if let Some(name) = serialized(&field.attrs, "rename") {
        return name;
    }
    let name = field.ident.as_ref().map(|ident| ident.unraw().to_string()).unwrap_or_default();
    match serialized(container, "rename_all") {
        Some(rule) => renamed(&name, &rule),
        None => name,
    }
}

/// Returns the names of the fields of a struct in Rust and in JSON, without those that serde flattens or skips.
pub(crate) fn field_names(ty: &DataType) -> impl Iterator<Item = (String, String)> {
    let is_value = |key: &String| key != "flatten" && !matches!(key.as_str(), "skip" | "skip_serializing");
    let fields = ty.fields().filter(move |(_, field)| keys(&field.attrs, "serde").iter().all(is_value));
    fields.map(|(ident, field)| (ident.unraw().to_string(), json_name(ty.attrs(), field)))
}

/// Returns the keys in the attributes `name` of a field, such as `#[serde(…)]`.
pub(crate) fn keys(attrs: &[Attribute], name: &str) -> Vec<String> {
    metas(attrs, name).iter().map(|meta| meta.path().to_token_stream().to_string()).collect()
}

/// Returns the span of a key in the `#[serde(…)]` attributes.
pub(crate) fn flag(attrs: &[Attribute], key: &str) -> Option<Span> {
    metas(attrs, "serde").into_iter().find(|meta| meta.path().is_ident(key)).map(|meta| meta.span())
}

fn metas(attrs: &[Attribute], name: &str) -> Vec<Meta> {
    let mut all = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
        // Serde reports an attribute that does not parse.
        let metas = attr.meta.require_list().ok().and_then(|list| parse.parse2(list.tokens.clone()).ok());
        all.extend(metas.into_iter().flatten());
    }
    all
}

/// Returns the value of `key = "…"` or `key(serialize = "…")` in the serde attributes. Serde itself reports an
/// attribute that does not parse.
fn serialized(attrs: &[Attribute], key: &str) -> Option<String> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        let _ = attr.parse_nested_meta(|meta| {
            if !meta.path.is_ident(key) {
                return skip(&meta);
            }
            if meta.input.peek(Token![=]) {
                found = Some(meta.value()?.parse::<LitStr>()?.value());
                return Ok(());
            }
            meta.parse_nested_meta(|side| {
                let name = side.value()?.parse::<LitStr>()?.value();
                if side.path.is_ident("serialize") {
                    found = Some(name);
                }
                Ok(())
            })
        });
    }
    found
}

/// Skips the value of another key.
fn skip(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    let input: ParseStream<'_> = meta.input;
    while !(input.is_empty() || input.peek(Token![,])) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Renames a field by one of serde's rules. `lowercase` and `snake_case` do not change it.
fn renamed(name: &str, rule: &str) -> String {
    let pascal = || -> String {
        let word = |word: &str| {
            let mut chars = word.chars();
            chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
        };
        name.split('_').map(word).collect()
    };
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => {
            let pascal = pascal();
            let mut chars = pascal.chars();
            chars.next().map(|first| first.to_ascii_lowercase().to_string() + chars.as_str()).unwrap_or_default()
        }
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_ascii_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use syn::{ItemStruct, parse_quote};

    use super::*;

    #[track_caller]
    fn check(item: &ItemStruct, expect: &str) {
        assert_eq!(item.fields.iter().map(|field| json_name(&item.attrs, field)).collect::<Vec<_>>(), [expect]);
    }

    #[test]
    fn field_has_the_name_that_serde_writes() {
        check(
            &parse_quote!(
                struct A {
                    r#type: u8,
                }
            ),
            "type",
        );
        check(
            &parse_quote!(
                #[serde(rename_all = "camelCase")]
                struct A {
                    last_edit_at: u8,
                }
            ),
            "lastEditAt",
        );
        check(
            &parse_quote!(
                #[serde(rename_all = "PascalCase")]
                struct A {
                    last_edit_at: u8,
                }
            ),
            "LastEditAt",
        );
        check(
            &parse_quote!(
                #[serde(rename_all = "kebab-case")]
                struct A {
                    last_edit: u8,
                }
            ),
            "last-edit",
        );
        check(
            &parse_quote!(
                #[serde(rename_all = "SCREAMING-KEBAB-CASE")]
                struct A {
                    last_edit: u8,
                }
            ),
            "LAST-EDIT",
        );
        check(
            &parse_quote!(
                #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
                struct A {
                    last_edit: u8,
                }
            ),
            "LAST_EDIT",
        );
        check(
            &parse_quote!(
                #[serde(rename_all = "snake_case")]
                struct A {
                    last_edit: u8,
                }
            ),
            "last_edit",
        );
        check(
            &parse_quote! {
                #[doc = "x"]
                #[serde(default = "a::b", rename_all(serialize = "camelCase", deserialize = "UPPERCASE"))]
                struct A { last_edit: u8 }
            },
            "lastEdit",
        );
        check(
            &parse_quote! {
                #[serde(rename_all = "camelCase")]
                struct A { #[serde(default, with = "x::y", rename = "LastModified")] last_edit: u8 }
            },
            "LastModified",
        );
        check(
            &parse_quote!(
                struct A {
                    #[serde(rename(deserialize = "a", serialize = "b"), alias = "c")]
                    x: u8,
                }
            ),
            "b",
        );
    }

    #[test]
    fn keys_of_all_serde_attributes_are_found() {
        let field: Field = parse_quote! {
            #[serde(rename = "a", default)]
            #[cfg(unix)]
            #[serde(skip_serializing_if = "f", with(x))]
            #[serde(not valid)]
            x: u8
        };
        assert_eq!(keys(&field.attrs, "serde"), ["rename", "default", "skip_serializing_if", "with"]);
    }
}
