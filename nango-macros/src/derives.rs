//! What every data type derives.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Path, Token, punctuated::Punctuated};

/// The derives, without those that the user wrote below the attribute.
pub(crate) fn derives(attrs: &[Attribute]) -> TokenStream {
    let mut written = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
        // A derive that does not parse is the compiler's to report.
        let paths = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).unwrap_or_default();
        written.extend(paths.into_iter().filter_map(|path| Some(path.segments.last()?.ident.to_string())));
    }
    let all = [
        ("Debug", quote!(::core::fmt::Debug)),
        ("Clone", quote!(::core::clone::Clone)),
        ("PartialEq", quote!(::core::cmp::PartialEq)),
        ("Serialize", quote!(::nango_core::__private::serde::Serialize)),
        ("Deserialize", quote!(::nango_core::__private::serde::Deserialize)),
        ("JsonSchema", quote!(::nango_core::__private::schemars::JsonSchema)),
    ];
    let missing = all.iter().filter(|(name, _)| !written.iter().any(|written| written == name)).map(|(_, path)| path);
    quote! {
        #[derive(#(#missing),*)]
        #[serde(crate = "::nango_core::__private::serde")]
        #[schemars(crate = "::nango_core::__private::schemars")]
    }
}

/// The conditions under which the type exists.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect()
}
