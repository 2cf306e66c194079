//! Annotated function: attributes and signature, and the body as unparsed tokens.
//!
//! The body is not parsed because that would be slower, and because the handle must have a type while the user is still
//! typing the body.

mod misuse;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, Lit, Meta, PathArguments, PathSegment, Result, ReturnType, Signature, Type,
    Visibility,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use crate::{args::Errors, attributes, marker};

/// Function under an attribute.
pub(crate) struct Func {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    body: TokenStream,
}

impl Parse for Func {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let (vis, sig) = (input.parse()?, input.parse()?);
        let mut body = TokenStream::new();
        while !input.is_empty() {
            input.parse::<TokenTree>()?.to_tokens(&mut body);
        }
        Ok(Self { attrs, vis, sig, body })
    }
}

impl ToTokens for Func {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        // The attribute requires this signature, so the user cannot follow clippy's suggestions for it.
        let allow = match self.sig.asyncness {
            Some(_) => quote!(#[allow(clippy::unused_async, clippy::missing_errors_doc)]),
            None => {
                quote!(#[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, clippy::missing_errors_doc)])
            }
        };
        allow.to_tokens(tokens);
        self.attrs.iter().for_each(|attr| attr.to_tokens(tokens));
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

impl Func {
    /// Parses the item under the attribute `what`. If it is not a function that can have the attribute, returns the
    /// item with the error.
    pub(crate) fn read(what: &str, example: &str, item: &TokenStream) -> std::result::Result<Self, TokenStream> {
        let func = syn::parse2(item.clone());
        let func: Self = func.map_err(|error| {
            let is_fn = item.clone().into_iter().any(|tree| matches!(tree, TokenTree::Ident(word) if word == "fn"));
            let error = if is_fn {
                error
            } else {
                Error::new(error.span(), format!("{what} applies to a function: `{example}`"))
            };
            let error = error.into_compile_error();
            quote!(#item #error)
        })?;
        misuse::check(func, what, example)
    }

    /// Returns the name in kebab-case.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string().trim_matches('_').replace('_', "-")
    }

    /// Returns the first paragraph of the doc comment on one line.
    pub(crate) fn description(&self) -> String {
        let lines = self.attrs.iter().filter_map(|attr| match &attr.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        });
        let paragraph = lines.skip_while(String::is_empty).take_while(|line| !line.is_empty());
        paragraph.collect::<Vec<_>>().join(" ")
    }

    /// Returns the `#[cfg(…)]` attributes of the function. Generated items have the same conditions.
    pub(crate) fn cfgs(&self) -> Vec<&Attribute> {
        attributes::cfgs(&self.attrs)
    }

    /// Checks the rules for all annotated functions: async, not generic, with a return type.
    pub(crate) fn check(&self, what: &str, example: &str, must_be_async: bool, errors: &mut Errors) {
        let sig = &self.sig;
        if must_be_async && sig.asyncness.is_none() {
            errors.push_at(sig.fn_token.span(), format!("{what} needs an `async fn`: `{example}`"));
        }
        if let Some(generic) = sig.generics.params.first() {
            errors.push_at(generic.span(), format!("{what} cannot be generic: it is registered once, under one name"));
        }
        for arg in &sig.inputs {
            if let FnArg::Typed(arg) = arg
                && let Type::ImplTrait(ty) = &*arg.ty
            {
                errors.push_at(ty.span(), format!("{what} cannot be generic: it is registered once, under one name"));
            }
        }
        if let ReturnType::Default = sig.output {
            errors.push_at(sig.paren_token.span.close(), format!("{what} needs a return type: `{example}`"));
        }
    }

    /// Returns the type of parameter `i`.
    pub(crate) fn param(&self, i: usize) -> Option<&Type> {
        match self.sig.inputs.iter().nth(i)? {
            FnArg::Typed(param) => Some(&param.ty),
            FnArg::Receiver(_) => None,
        }
    }

    pub(crate) fn arity(&self) -> usize {
        self.sig.inputs.len()
    }

    /// Returns the span of parameter `i`, or of the closing parenthesis if there is none.
    pub(crate) fn param_span(&self, i: usize) -> Span {
        self.sig.inputs.iter().nth(i).map_or(self.sig.paren_token.span.close(), Spanned::span)
    }

    /// Returns the return type and its span. Generated calls have this span, so that a wrong type is reported there.
    pub(crate) fn output(&self) -> (TokenStream, Span) {
        match &self.sig.output {
            ReturnType::Type(_, ty) => (ty.to_token_stream(), ty.span()),
            ReturnType::Default => (quote!(()), self.sig.ident.span()),
        }
    }

    /// Returns whether the first parameter is a handle, of the right or the wrong type.
    pub(crate) fn has_handle(&self) -> bool {
        self.is_handle_at(0)
    }

    /// Returns whether parameter `i` is a handle, of the right or the wrong type, by value or by reference.
    pub(crate) fn is_handle_at(&self, i: usize) -> bool {
        let ty = match self.param(i) {
            Some(Type::Reference(reference)) => &*reference.elem,
            Some(ty) => ty,
            None => return false,
        };
        matches!(ty, Type::Path(ty) if ty.path.segments.last().is_some_and(is_handle))
    }

    /// Checks that the first parameter is the handle, by value and without arguments.
    pub(crate) fn check_handle(&self, handle: &str, what: &str, example: &str, errors: &mut Errors) {
        let close = self.sig.paren_token.span.close();
        let Some(FnArg::Typed(param)) = self.sig.inputs.first() else {
            return errors.push_at(close, format!("{what} takes the handle first: `{example}`"));
        };
        if let Type::Reference(reference) = &*param.ty {
            let message = format!("take `{handle}` by value: it is cheap to clone");
            return errors.push_at(reference.and_token.span(), message);
        }
        let segment = match &*param.ty {
            Type::Path(ty) => ty.path.segments.last().filter(|segment| segment.ident == handle),
            _ => None,
        };
        let Some(segment) = segment else {
            let found = param.ty.to_token_stream().to_string().replace(' ', "");
            let message = format!("{what} takes `{handle}` first, found `{found}`: `{example}`");
            return errors.push_at(param.ty.span(), message);
        };
        if !segment.arguments.is_none() {
            let message =
                format!("write `{handle}` without arguments: the attribute fills in what the function declares");
            errors.push_at(segment.arguments.span(), message);
        }
    }

    /// Returns the function with `nango: NangoSync<marker>` in place of `nango: NangoSync`, which gives the handle the
    /// declarations of the attribute.
    pub(crate) fn with_marker(mut self, marker: &TokenStream) -> Self {
        if let Some(FnArg::Typed(param)) = self.sig.inputs.iter_mut().next() {
            let ty = &param.ty;
            *param.ty = Type::Verbatim(quote!(#ty<#marker>));
        }
        self
    }

    /// Returns the errors and a function that type-checks, so that a mistake causes no further errors: the handle has a
    /// marker, and the marker may save every model.
    pub(crate) fn with_errors(mut self, errors: Error, extra: &TokenStream) -> TokenStream {
        let errors = errors.into_compile_error();
        let ident = self.sig.ident.clone();
        let path = marker::path(&ident, Span::call_site());
        for param in &mut self.sig.inputs {
            if let FnArg::Typed(param) = param {
                give_argument(&mut param.ty, &path);
            }
        }
        let cfgs: Vec<Attribute> = self.cfgs().into_iter().cloned().collect();
        let marker = marker::define(&ident, &self.vis, &cfgs.iter().collect::<Vec<_>>());
        quote! {
            #[allow(unused, clippy::all)]
            #self
            #marker
            #(#cfgs)*
            const _: () = {
                use ::__nango_core::__private as __nango;
                impl<M: __nango::Record> __nango::Saves<M> for #path {}
                #extra
            };
            #errors
        }
    }
}

/// Gives a handle a type argument, so that a function with errors type-checks. Other types are unchanged.
fn give_argument(ty: &mut Type, argument: &TokenStream) {
    let ty = match ty {
        Type::Reference(reference) => &mut *reference.elem,
        ty => ty,
    };
    if let Type::Path(handle) = ty
        && let Some(segment) = handle.path.segments.last_mut()
        && is_handle(segment)
    {
        segment.arguments = PathArguments::None;
        *ty = Type::Verbatim(quote!(#handle<#argument>));
    }
}

fn is_handle(segment: &PathSegment) -> bool {
    segment.ident == "NangoSync" || segment.ident == "NangoAction"
}
