//! Variables of the expressions in the attribute of a mapper: `metadata`, and `each` for a mapper with parents.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Type};

use crate::{args::Errors, each::Each};

/// Name of the variable that holds the connection's metadata.
const METADATA: &str = "metadata";
/// Name of the variable that holds the parent.
const EACH: &str = "each";

/// Variables that the attribute declares.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) metadata: Option<&'a Type>,
    pub(crate) each: Option<&'a Each>,
}

impl Scope<'_> {
    /// Reports the first use of each variable that the attribute does not declare.
    pub(crate) fn check<'e>(self, values: &(impl Iterator<Item = &'e Expr> + Clone), errors: &mut Errors) {
        let used = |name| values.clone().find_map(|value| variable(name, value.to_token_stream()));
        if let (None, Some(span)) = (self.metadata, used(METADATA)) {
            errors.push_at(
                span,
                "`metadata` is the metadata of the connection: add `metadata = YourType` to the attribute, the type of \
                 its values",
            );
        }
        if let (None, Some(span)) = (self.each, used(EACH)) {
            errors.push_at(
                span,
                "`each` is the parent whose list is requested: add `each = YourModel` to the attribute, a model of \
                 the same integration, or `each = metadata.items`, a list in the metadata",
            );
        }
    }

    /// Returns the parameter of a closure, and the statements that bind the variables which the values may use.
    pub(crate) fn bindings<'e>(
        self,
        values: impl Iterator<Item = &'e Expr> + Clone,
        marker: &TokenStream,
    ) -> (TokenStream, TokenStream) {
        // The expressions refer to the variables by name, and to nothing else of the expansion.
        let variable = |name| Ident::new(name, Span::call_site());
        let scope = Ident::new("v", Span::mixed_site());
        let metadata = may_use(METADATA, values.clone()).then(|| {
            let metadata = variable(METADATA);
            let value = if self.each.is_some() {
                quote!(__nango::metadata_of::<#marker>(#scope)?)
            } else {
                quote!(&__nango::metadata::<#marker>(#scope)?)
            };
            quote! {
                #[allow(unused_variables)]
                let #metadata = #value;
            }
        });
        let each = self.each.filter(|_| may_use(EACH, values)).map(|each| {
            let (name, value) = (variable(EACH), each.parent(&scope, marker, Span::call_site()));
            quote! {
                #[allow(unused_variables)]
                let #name = #value;
            }
        });
        if metadata.is_none() && each.is_none() {
            return (quote!(_), TokenStream::new());
        }
        (quote!(#scope), quote!(#metadata #each))
    }
}

/// Returns whether a value may use the metadata.
pub(crate) fn may_use_metadata<'e>(values: impl Iterator<Item = &'e Expr>) -> bool {
    may_use(METADATA, values)
}

/// Returns whether a value may use the parent.
pub(crate) fn may_use_each<'e>(values: impl Iterator<Item = &'e Expr>) -> bool {
    may_use(EACH, values)
}

/// Searches the text of the values, because a string such as `"{metadata}"` can use a variable too.
fn may_use<'e>(name: &str, values: impl Iterator<Item = &'e Expr>) -> bool {
    let mut values = values;
    values.any(|value| value.to_token_stream().to_string().contains(name))
}

/// Returns the span of the first variable with this name: not a field, a method or a part of a path.
fn variable(name: &str, tokens: TokenStream) -> Option<Span> {
    let mut before = None;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Group(group) => {
                if let Some(span) = variable(name, group.stream()) {
                    return Some(span);
                }
            }
            TokenTree::Ident(ident) if ident == name => {
                let is_member =
                    matches!(&before, Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '.' | ':'));
                let is_other = match tokens.peek() {
                    Some(TokenTree::Punct(punct)) => punct.as_char() == ':',
                    Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
                    _ => false,
                };
                if !is_member && !is_other {
                    return Some(ident.span());
                }
            }
            _ => {}
        }
        before = Some(token);
    }
    None
}
