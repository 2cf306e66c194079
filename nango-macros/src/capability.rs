//! Types that an attribute declares for the handle of its function: its checkpoint and its metadata.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Type, spanned::Spanned};

use crate::{args::Args, marker, parts};

/// Declared types of a function.
#[derive(Default)]
pub(crate) struct Capabilities {
    pub(crate) checkpoint: Option<Type>,
    pub(crate) metadata: Option<Type>,
}

impl Capabilities {
    /// Reads `checkpoint = Type` and `metadata = Type`.
    pub(crate) fn read(args: &mut Args) -> Self {
        Self { checkpoint: args.ty("checkpoint"), metadata: args.ty("metadata") }
    }

    /// Returns the types that can be read, for an attribute with errors; reports nothing.
    pub(crate) fn of(args: &Args) -> Self {
        Self { checkpoint: args.peek_ty("checkpoint"), metadata: args.peek_ty("metadata") }
    }

    /// Returns the implementations for the marker: what the function's handle offers.
    pub(crate) fn impls(&self, marker: &TokenStream) -> TokenStream {
        let checkpoint = capability("Checkpoint", self.checkpoint.as_ref(), marker);
        let metadata = capability("Metadata", self.metadata.as_ref(), marker);
        quote!(#checkpoint #metadata)
    }

    /// Returns the descriptor's `checkpoint`.
    pub(crate) fn checkpoint_type(&self, marker: &TokenStream) -> TokenStream {
        value_type("checkpoint_type", self.checkpoint.as_ref(), marker)
    }

    /// Returns the descriptor's `metadata`.
    pub(crate) fn metadata_type(&self, marker: &TokenStream) -> TokenStream {
        value_type("metadata_type", self.metadata.as_ref(), marker)
    }
}

/// Returns `impl HasName for marker { type Name = Type; }` with the span of the type, so that a type that does not
/// qualify is reported there.
fn capability(name: &str, ty: Option<&Type>, marker: &TokenStream) -> TokenStream {
    let Some(ty) = ty else { return TokenStream::new() };
    let span = ty.span();
    let (name, of) = (Ident::new(name, span), Ident::new(&format!("Has{name}"), span));
    quote_spanned!(span=> impl __nango::#of for #marker { type #name = #ty; })
}

/// Returns the type of a capability, via the marker, so that a type without a schema is reported once, where it is
/// declared.
pub(crate) fn value_type(function: &str, ty: Option<&Type>, marker: &TokenStream) -> TokenStream {
    let function = format_ident!("{function}");
    parts::option_tokens(ty.map(|ty| {
        let marker = marker::respan(marker, ty.span());
        quote_spanned!(ty.span()=> __nango::#function::<#marker>())
    }))
}
