//! Attributes of an item that its expansion repeats or completes: conditions and derives.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Path, Token, punctuated::Punctuated};

/// Returns the derives, except those that the user wrote below the attribute.
pub(crate) fn derives(attrs: &[Attribute]) -> TokenStream {
    let mut written = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
        // The compiler reports a derive that does not parse.
        let paths = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).unwrap_or_default();
        written.extend(paths.into_iter().filter_map(|path| Some(path.segments.last()?.ident.to_string())));
    }
    let all = [
        ("Debug", quote!(::core::fmt::Debug)),
        ("Clone", quote!(::core::clone::Clone)),
        ("PartialEq", quote!(::core::cmp::PartialEq)),
        ("Serialize", quote!(::__nango_core::__private::serde::Serialize)),
        ("Deserialize", quote!(::__nango_core::__private::serde::Deserialize)),
        ("JsonSchema", quote!(::__nango_core::__private::schemars::JsonSchema)),
    ];
    let missing = all.iter().filter(|(name, _)| !written.iter().any(|written| written == name)).map(|(_, path)| path);
    quote! {
        #[derive(#(#missing),*)]
        #[serde(crate = "::__nango_core::__private::serde")]
        #[schemars(crate = "::__nango_core::__private::schemars")]
    }
}

/// Returns the `#[cfg(…)]` attributes of an item. Generated items have the same conditions.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect()
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use super::*;

    #[test]
    fn written_derives_are_not_repeated() {
        let item: DeriveInput = parse_quote! {
            #[cfg(unix)]
            #[derive(Default, ::core::clone::Clone, serde::Serialize)]
            #[derive(Debug)]
            struct Issue;
        };
        let got = derives(&item.attrs).to_string().replace(' ', "");
        for (name, expect) in [("Debug", false), ("Clone", false), ("Serialize", false), ("Deserialize", true)] {
            assert_eq!(got.contains(&format!("::{name}")), expect, "{name}: {got}");
        }
        assert_eq!(cfgs(&item.attrs).len(), 1);
    }
}
