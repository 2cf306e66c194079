//! Keys `each`, `each_variant`, `parents_at_once` and `on_parent_error`: the parents whose lists a mapper walks.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::{LitStr, Path, parse::Parser, spanned::Spanned};

use crate::{
    args::{Args, Value},
    marker, parts,
};

/// Number of parents whose lists are walked at the same time.
const PARENTS_AT_ONCE: u32 = 4;

const USAGE: &str = "`each` is a model of the same integration, `each = SlackChannel`, or a list in the metadata, \
                     `each = metadata.repos`";

/// Keys that need `each`, and the message without it.
const NEED_EACH: [(&str, &str); 3] = [
    ("each_variant", "`each_variant` needs `each = YourModel`, the model of the parents"),
    ("parents_at_once", "`parents_at_once` needs `each = YourModel`: without parents one list is walked"),
    ("on_parent_error", "`on_parent_error` needs `each = YourModel`: without parents any error fails the run"),
];

/// Parents of a mapper.
pub(crate) struct Each {
    source: Source,
    variant: Option<LitStr>,
    at_once: u32,
    /// Variant of `declare::OnParentError`.
    on_error: &'static str,
    span: Span,
}

enum Source {
    Model(Path),
    /// The fields of `metadata.a.b`: `a`, `b`.
    Metadata(Vec<Ident>),
}

impl Each {
    /// Reads and checks the keys. `None` if `each` is missing. An invalid one is among the errors, and a model takes
    /// its place, so that the rest of the declaration is checked against a parent.
    pub(crate) fn validate(args: &mut Args) -> Option<Self> {
        let Some(arg) = args.take("each") else {
            for (key, message) in NEED_EACH {
                if let Some(arg) = args.take(key) {
                    args.errors.push_at(arg.key.span(), message);
                }
            }
            return None;
        };
        let source = match &arg.value {
            Value::Assigned(tokens) => source(tokens.clone()),
            _ => Err(syn::Error::new(arg.key.span(), USAGE)),
        };
        let source = source.unwrap_or_else(|error| {
            args.errors.add(error);
            Source::Model(Path::from(Ident::new("Parent", arg.key.span())))
        });
        let variant = args.string("each_variant");
        if let (Source::Metadata(_), Some(variant)) = (&source, &variant) {
            let message = "`each_variant` is for a model: a list in the metadata has no variants; remove the key";
            args.errors.push_at(variant.span(), message);
        }
        let at_once = args.number32("parents_at_once", 1..=64).unwrap_or(PARENTS_AT_ONCE);
        let on_error = args.choice("on_parent_error", &[("fail", "Fail"), ("skip", "Skip")]).unwrap_or("Standard");
        Some(Self { source, variant, at_once, on_error, span: arg.key.span() })
    }

    /// Returns the span of the key.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// Returns whether the parents are elements of a list in the metadata.
    pub(crate) fn is_in_metadata(&self) -> bool {
        matches!(self.source, Source::Metadata(_))
    }

    /// Returns the type of a parent in the signatures of messages.
    pub(crate) fn type_name(&self) -> String {
        match &self.source {
            Source::Model(path) => path.segments.last().map_or_else(String::new, |last| last.ident.to_string()),
            Source::Metadata(_) => "Parent".to_owned(),
        }
    }

    /// Returns the expression of a reference to the parent in `scope`, an `&EachScope`.
    pub(crate) fn parent(&self, scope: &Ident, marker: &TokenStream, span: Span) -> TokenStream {
        match &self.source {
            Source::Model(_) => quote_spanned!(span=> __nango::parent::<__Parent>(#scope)?),
            Source::Metadata(_) => {
                // A list of another type is reported at its name.
                let span = self.list_span();
                let (marker, list) = (marker::respan(marker, span), self.list(marker, span));
                quote_spanned!(span=> { #list __nango::element::<#marker, _>(#scope, list)? })
            }
        }
    }

    /// Returns the expression of the parent in `scope` as an `Arc`.
    pub(crate) fn shared_parent(&self, scope: &Ident, marker: &TokenStream, span: Span) -> TokenStream {
        match &self.source {
            Source::Model(_) => quote_spanned!(span=> __nango::shared_parent::<__Parent>(&#scope)?),
            Source::Metadata(_) => {
                let span = self.list_span();
                let (marker, list) = (marker::respan(marker, span), self.list(marker, span));
                quote_spanned!(span=> { #list __nango::shared_element::<#marker, _>(&#scope, list)? })
            }
        }
    }

    fn list_span(&self) -> Span {
        match &self.source {
            Source::Model(_) => self.span,
            Source::Metadata(fields) => fields.last().map_or(self.span, Ident::span),
        }
    }

    /// Returns the statement `let list = …;`, the function that selects the list in the metadata. It is repeated in
    /// each place, so that the compiler infers the type of the elements there. Each place first calls `parent_list`,
    /// so that the compiler's error about another type is the same everywhere, and printed once.
    fn list(&self, marker: &TokenStream, span: Span) -> TokenStream {
        let fields = match &self.source {
            Source::Model(_) => &[],
            Source::Metadata(fields) => fields.as_slice(),
        };
        let (marker, m) = (marker::respan(marker, span), Ident::new("m", span));
        quote_spanned!(span=> let list = __nango::parent_list::<#marker, _>(|#m| &#m #(.#fields)*);)
    }

    /// Returns the static of the parents. `request` is the `EachRequest`; `uses_metadata` is whether anything but the
    /// list of the parents uses the metadata.
    pub(crate) fn items(&self, request: &TokenStream, uses_metadata: bool, marker: &TokenStream) -> TokenStream {
        let (at_once, on_error) = (self.at_once as usize, format_ident!("{}", self.on_error));
        let (alias, parents) = match &self.source {
            Source::Model(path) => {
                let (span, variant) = (path.span(), parts::option_tokens(self.variant.as_ref()));
                let parents = quote_spanned!(span=> __nango::record_parents::<__Parent>(#variant));
                // The path is named once, so that an unknown model is reported once.
                (Some(quote_spanned!(span=> type __Parent = #path;)), parents)
            }
            Source::Metadata(fields) => {
                let names: Vec<String> = fields.iter().map(ToString::to_string).collect();
                let path = format!("metadata.{}", names.join("."));
                let span = self.list_span();
                let list = self.list(marker, span);
                let (marker, s) = (marker::respan(marker, span), Ident::new("s", span));
                let parents = quote_spanned! {span=>
                    __nango::ParentSource::Metadata {
                        path: #path,
                        list: |#s| { #list __nango::elements::<#marker, _>(#s, list) },
                    }
                };
                (None, parents)
            }
        };
        let metadata = parts::option_tokens(
            (uses_metadata || self.is_in_metadata()).then(|| quote!(__nango::shared_metadata::<#marker>)),
        );
        quote! {
            #alias
            static __EACH: __nango::Each = __nango::Each {
                parents: #parents,
                at_once: #at_once,
                on_error: __nango::OnParentError::#on_error,
                metadata: #metadata,
                request: #request,
            };
        }
    }
}

/// Returns the fields of the parent if a name in braces refers to it: `{each}` has none, `{each.owner.login}` two.
pub(crate) fn fields_of_parent(name: &str) -> Option<impl Iterator<Item = &str>> {
    let fields = match name.strip_prefix("each")? {
        "" => None,
        rest => Some(rest.strip_prefix('.')?),
    };
    Some(fields.into_iter().flat_map(|fields| fields.split('.')))
}

/// Parses a path of a model, or `metadata.field`.
fn source(tokens: TokenStream) -> syn::Result<Source> {
    let tokens = match syn::parse2::<LitStr>(tokens.clone()) {
        Ok(text) => text.parse::<TokenStream>().map_err(|_| syn::Error::new(text.span(), USAGE))?,
        Err(_) => tokens,
    };
    let mut steps = tokens.clone().into_iter();
    let span = tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    if !matches!(steps.next(), Some(TokenTree::Ident(first)) if first == "metadata") || starts_path(steps.clone()) {
        let path = Path::parse_mod_style.parse2(tokens).map_err(|error| syn::Error::new(error.span(), USAGE))?;
        return Ok(Source::Model(path));
    }
    let mut fields = Vec::new();
    while let Some(dot) = steps.next() {
        match (&dot, steps.next()) {
            (TokenTree::Punct(punct), Some(TokenTree::Ident(field))) if punct.as_char() == '.' => fields.push(field),
            _ => {
                let message = "a list in the metadata is a path of fields: `each = metadata.repos`";
                return Err(syn::Error::new(dot.span(), message));
            }
        }
    }
    if fields.is_empty() {
        let message = "`each = metadata` needs the field that holds the list: `each = metadata.repos`";
        return Err(syn::Error::new(span, message));
    }
    Ok(Source::Metadata(fields))
}

/// Returns whether `::` follows, so that `metadata` is a module.
fn starts_path(mut after: impl Iterator<Item = TokenTree>) -> bool {
    matches!(after.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}
