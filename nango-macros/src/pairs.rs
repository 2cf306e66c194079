//! Lists of names with expressions, such as `query("status" = "open", "team" = metadata.team)`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Expr, LitStr, Token,
    parse::{ParseStream, Parser},
    spanned::Spanned,
};

use crate::{
    args::{Args, Value},
    scope::Scope,
};

/// A parameter or a header with its value.
pub(crate) struct Pair {
    pub(crate) name: LitStr,
    pub(crate) value: Expr,
}

/// Returns one closure for all values: `fn(scope, &mut RequestValues) -> Result<()>`.
pub(crate) fn closure(pairs: &[Pair], scope: Scope<'_>, marker: &TokenStream) -> TokenStream {
    let values = Ident::new("values", Span::mixed_site());
    let (v, variables) = scope.bindings(pairs.iter().map(|pair| &pair.value), marker);
    let adds = pairs.iter().map(|pair| {
        let (name, value) = (&pair.name, reference(&pair.value));
        quote_spanned!(pair.value.span()=> #values.add(#name, #value)?;)
    });
    quote! {
        |#v, #values| {
            #variables
            #(#adds)*
            ::core::result::Result::Ok(())
        }
    }
}

/// Returns a reference to the value: a field that is used by value would be moved out of the metadata.
pub(crate) fn reference(value: &Expr) -> TokenStream {
    quote_spanned!(value.span()=> &(#value))
}

/// Reports parameters without a name.
pub(crate) fn check_parameters(args: &mut Args, pairs: &[Pair]) {
    for Pair { name, .. } in pairs {
        if name.value().is_empty() {
            args.errors.push_at(name.span(), "the name of a parameter is empty");
        }
    }
}

/// Reads the list of a key: `key("name" = expression, …)`.
pub(crate) fn pairs(args: &mut Args, key: &str, example: &str) -> Vec<Pair> {
    let Some(arg) = args.take(key) else { return Vec::new() };
    let usage = format!("`{key}` has names and values in brackets: `{example}`");
    let Value::List(tokens) = arg.value else {
        args.errors.push_at(arg.key.span(), usage);
        return Vec::new();
    };
    if tokens.is_empty() {
        args.errors.push_at(arg.key.span(), usage);
        return Vec::new();
    }
    let mut pairs = Vec::new();
    let parsed = (|input: ParseStream<'_>| {
        while !input.is_empty() {
            let name: LitStr = input.parse().map_err(|error| syn::Error::new(error.span(), &usage))?;
            if !input.peek(Token![=]) {
                let message = format!("`{}` needs a value: `{example}`", name.value());
                return Err(syn::Error::new(name.span(), message));
            }
            input.parse::<Token![=]>()?;
            pairs.push(Pair { name, value: input.parse()? });
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    })
    .parse2(tokens);
    if let Err(error) = parsed {
        args.errors.add(error);
    }
    pairs
}
