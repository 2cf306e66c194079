//! Marker type of a function: a hidden type parameter of its handle that implements a trait for each declaration of the
//! attribute.
//!
//! It has the name of the function, which errors then print, and is in a module of its own, so that it does not collide
//! with a module, a model or an import of that name.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, Visibility, ext::IdentExt};

/// Returns the name of the module, such as `__fetch_issues`, with the location of `function`.
pub(crate) fn module(function: &Ident) -> Ident {
    Ident::new(&format!("__{}", function.unraw()), Span::call_site().located_at(function.span()))
}

/// Returns the path of the marker, such as `__fetch_issues::fetch_issues`, with this span.
pub(crate) fn path(function: &Ident, span: Span) -> TokenStream {
    let (module, name) = (with_span(&module(function), span), with_span(function, span));
    quote!(#module::#name)
}

/// Returns the module with the marker type.
pub(crate) fn define(function: &Ident, vis: &Visibility, cfgs: &[&Attribute]) -> TokenStream {
    let module = with_span(&module(function), Span::call_site());
    let inside = nested_visibility(vis);
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_snake_case, non_camel_case_types, missing_docs, missing_debug_implementations, unreachable_pub)]
        #vis mod #module {
            #inside enum #function {}
        }
    }
}

/// Returns the visibility that has the same reach as `vis`, but one module deeper. A marker with a greater reach would
/// expose private types that its function declares.
fn nested_visibility(vis: &Visibility) -> TokenStream {
    match vis {
        Visibility::Public(_) => quote!(pub),
        Visibility::Inherited => quote!(pub(super)),
        Visibility::Restricted(restricted) => {
            let path = &restricted.path;
            if path.is_ident("self") {
                quote!(pub(super))
            } else if path.segments.first().is_some_and(|first| first.ident == "crate") {
                quote!(pub(in #path))
            } else {
                quote!(pub(in super::#path))
            }
        }
    }
}

/// Returns the identifier with another span, at which errors are reported.
pub(crate) fn with_span(ident: &Ident, span: Span) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(span);
    ident
}

/// Returns the tokens with another span, at which errors are reported.
pub(crate) fn respan(tokens: &TokenStream, span: Span) -> TokenStream {
    let respan = |mut tree: TokenTree| {
        tree.set_span(span);
        tree
    };
    tokens.clone().into_iter().map(respan).collect()
}
