//! `#[action]`: an operation at the provider, with an input and an output.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, LitStr, Result, Type, spanned::Spanned};

use crate::{
    args::{Args, Errors},
    capability::{Capabilities, value_type},
    func::Func,
    marker,
    parts::{self, Head},
};

const WHAT: &str = "`#[action]`";
const EXAMPLE: &str = "async fn name(nango: NangoAction, input: Input) -> Result<Output>";
const KEYS: &[&str] = &["integration", "name", "description", "version", "scopes", "checkpoint", "metadata"];

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let args = Args::parse(WHAT, KEYS, args);
    let func = match Func::read(WHAT, EXAMPLE, item) {
        Ok(func) => func,
        Err(tokens) => return tokens,
    };
    let capabilities = Capabilities::of(&args);
    match ActionDeclaration::validate(args, &func) {
        Ok(declaration) => declaration.expand(func),
        Err(error) => placeholder(func, error, &capabilities),
    }
}

/// A valid declaration of an action.
struct ActionDeclaration {
    head: Head,
    version: String,
    scopes: Vec<LitStr>,
    capabilities: Capabilities,
    types: Types,
}

impl ActionDeclaration {
    /// Checks the arguments and the signature. The error contains all mistakes.
    fn validate(mut args: Args, func: &Func) -> Result<Self> {
        let declaration = Self {
            head: Head::read(&mut args, func),
            version: parts::version(&mut args),
            scopes: args.strings("scopes"),
            capabilities: Capabilities::read(&mut args),
            types: Types::of(func),
        };
        args.errors.extend(signature_errors(func));
        args.errors.or(declaration)
    }

    fn expand(&self, func: Func) -> TokenStream {
        let Self { head, version, scopes, capabilities, types } = self;
        let marker = marker::path(&func.sig.ident, Span::call_site());
        let func = func.with_marker(&marker);
        let (has, run) = (capabilities.impls(&marker), types.run(&func.sig.ident, &marker));
        let input = value_type("input_type", types.input.as_ref(), &marker);
        let output = types.output_schema();
        let checkpoint = capabilities.checkpoint_type(&marker);
        let metadata = capabilities.metadata_type(&marker);
        let cfgs = func.cfgs();
        let marker_type = marker::define(&func.sig.ident, &func.vis, &cfgs);
        quote! {
            #func
            #marker_type
            #(#cfgs)*
            const _: () = {
                use ::__nango_core::__private as __nango;
                #has
                static __DEF: __nango::ActionDef = __nango::ActionDef {
                    #head
                    version: #version,
                    scopes: &[#(#scopes),*],
                    input: #input,
                    output: #output,
                    checkpoint: #checkpoint,
                    metadata: #metadata,
                    run: #run,
                };
                impl __nango::ActionMarker for #marker {
                    #types
                    const DEF: &'static __nango::ActionDef = &__DEF;
                }
                __nango::inventory::submit!(__nango::Item::Action(&__DEF));
            };
        }
    }
}

fn signature_errors(func: &Func) -> Errors {
    let mut errors = Errors::default();
    func.check(WHAT, EXAMPLE, true, &mut errors);
    if func.sig.asyncness.is_some() || func.has_handle() {
        func.check_handle("NangoAction", WHAT, EXAMPLE, &mut errors);
    }
    if func.arity() > 2 {
        let message = "an action takes the handle and at most one input: group the inputs in a `#[model]` struct";
        errors.push_at(func.param_span(2), message);
    }
    errors
}

/// Input and output of an action.
struct Types {
    input: Option<Type>,
    returned: TokenStream,
    /// The span of the return type, so that a wrong type is reported there.
    span: Span,
}

impl Types {
    fn of(func: &Func) -> Self {
        let (returned, span) = func.output();
        Self { input: func.param(1).cloned(), returned, span }
    }

    fn output(&self) -> TokenStream {
        let returned = &self.returned;
        quote_spanned!(self.span=> <#returned as __nango::Returns>::Ok)
    }

    fn output_schema(&self) -> TokenStream {
        let output = self.output();
        quote_spanned!(self.span=> __nango::schema::<#output>)
    }

    fn run(&self, function: &Ident, marker: &TokenStream) -> TokenStream {
        let span = self.span;
        let function = marker::with_span(function, span);
        let [n, v, i] = ["n", "v", "i"].map(|name| Ident::new(name, span));
        if let Some(input) = &self.input {
            let shown = marker::respan(marker, input.span());
            let input = quote_spanned!(input.span()=> __nango::input::<#shown>);
            quote_spanned! {span=>
                |#n, #v| match #input(#v) {
                    ::core::result::Result::Ok(#i) => __nango::box_action(#function(#n.into(), #i)),
                    ::core::result::Result::Err(error) => __nango::fail(error),
                }
            }
        } else {
            quote_spanned!(span=> |#n, _| __nango::box_action(#function(#n.into())))
        }
    }
}

/// Expands to the types of `ActionMarker`.
impl quote::ToTokens for Types {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let output = self.output();
        let input = self.input.clone().unwrap_or_else(|| syn::parse_quote!(()));
        tokens.extend(quote_spanned!(input.span()=> type Input = #input;));
        tokens.extend(quote_spanned!(self.span=> type Output = #output;));
    }
}

/// Returns an action with errors. If its signature is valid it can still be triggered, so that its callers report no
/// errors.
fn placeholder(func: Func, error: Error, capabilities: &Capabilities) -> TokenStream {
    let marker = marker::path(&func.sig.ident, Span::call_site());
    let has = capabilities.impls(&marker);
    let callable = signature_errors(&func).is_empty().then(|| {
        let types = Types::of(&func);
        quote! {
            impl __nango::ActionMarker for #marker {
                #types
                const DEF: &'static __nango::ActionDef = ::core::panic!();
            }
        }
    });
    func.with_errors(error, &quote!(#has #callable))
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    fn declaration(args: &str, item: &str) -> Result<ActionDeclaration> {
        let func = syn::parse_str(item).unwrap();
        ActionDeclaration::validate(Args::parse(WHAT, KEYS, args.parse().unwrap()), &func)
    }

    const ITEM: &str = "/// Creates\n/// an issue.\n///\n/// More.\nasync fn create_issue(nango: NangoAction, input: \
                        NewIssue) -> Result<Issue> {}";

    #[test]
    fn defaults_come_from_the_function() {
        let got = declaration("", ITEM).unwrap();
        assert_eq!((got.head.name.as_str(), got.head.description.as_str()), ("create-issue", "Creates an issue."));
        assert_eq!(got.version, "0.0.1");
        assert!(got.scopes.is_empty() && got.capabilities.metadata.is_none());
        assert_eq!(got.types.input.to_token_stream().to_string(), "NewIssue");

        let got = declaration("name = \"new\", version = \"1.2.3\", scopes(\"repo\"), metadata = Site", ITEM).unwrap();
        assert_eq!((got.head.name.as_str(), got.version.as_str(), got.scopes.len()), ("new", "1.2.3", 1));
        assert_eq!(got.capabilities.metadata.to_token_stream().to_string(), "Site");
    }

    #[test]
    fn all_mistakes_are_in_one_error() {
        let item = "fn create(nango: NangoSync, a: A, b: B) {}";
        let error = declaration("version = \"1\", scope(\"repo\"), name = \"a b\"", item).err().unwrap();
        let messages: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
        let expect = [
            "unknown key `scope`",
            "`name` has only letters",
            "`1` is not a version",
            "needs an `async fn`",
            "needs a return type",
            "takes `NangoAction` first, found `NangoSync`",
            "at most one input",
        ];
        assert_eq!(messages.len(), expect.len(), "{messages:?}");
        assert!(messages.iter().zip(expect).all(|(got, expect)| got.contains(expect)), "{messages:?}");
    }

    #[test]
    fn action_with_an_error_can_be_triggered_if_its_signature_is_valid() {
        let expanded = |item: &str| expand("version = \"1\"".parse().unwrap(), &item.parse().unwrap()).to_string();
        assert!(expanded(ITEM).contains("ActionMarker"));
        assert!(!expanded("async fn create() -> Result<()> {}").contains("ActionMarker"));
    }
}
