//! The hidden type that stands for a function: its handle carries it, and what the attribute declares are traits on it.
//!
//! It is named as the function, so that errors print that name, and lies in a module of its own, so that it collides
//! neither with a module, nor with a model, nor with an import of that name.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, Visibility, ext::IdentExt};

/// `__fetch_issues`, at the place of `function`.
pub(crate) fn module(function: &Ident) -> Ident {
    Ident::new(&format!("__{}", function.unraw()), Span::call_site().located_at(function.span()))
}

/// `__fetch_issues::fetch_issues`, shown at `span`.
pub(crate) fn path(function: &Ident, span: Span) -> TokenStream {
    let (module, name) = (with_span(&module(function), span), with_span(function, span));
    quote!(#module::#name)
}

/// The module with the type.
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

/// The visibility that, one module deeper, reaches as far as `vis` does here. A marker that reached further would leak
/// the types that its function declares.
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

/// The same identifier, shown elsewhere in errors.
pub(crate) fn with_span(ident: &Ident, span: Span) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(span);
    ident
}

/// The same tokens, shown elsewhere in errors.
pub(crate) fn respan(tokens: &TokenStream, span: Span) -> TokenStream {
    let respan = |mut tree: TokenTree| {
        tree.set_span(span);
        tree
    };
    tokens.clone().into_iter().map(respan).collect()
}
