//! Expansion of `#[model]`: a struct or an enum with a name and a schema; with an id, a record.

use nango_grammar::suggest;
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Field, Fields, LitStr, ext::IdentExt, spanned::Spanned};

use crate::{
    args::{Args, Errors, list},
    derives::{cfgs, derives},
    serde_name::json_name,
};

const WHAT: &str = "`#[model]`";

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut args = Args::parse(WHAT, &["id", "name", "updated"], args);
    let input = match read(WHAT, "a struct with named fields, or an enum", item) {
        Ok(input) => input,
        Err(tokens) => return tokens,
    };
    let ident = &input.ident;
    let named = matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)));
    if !named && !matches!(input.data, Data::Enum(_)) {
        args.errors.push_at(ident.span(), "`#[model]` goes on a struct with named fields, or on an enum");
    }
    no_generics(WHAT, &input, &mut args.errors);
    let name = match args.string("name") {
        Some(text) => {
            let value = text.value();
            let is_valid_char = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if !value.starts_with(|c: char| c.is_ascii_alphabetic()) || !value.chars().all(is_valid_char) {
                let message =
                    format!("`{value}` cannot be the name of a model: a letter, then letters, digits and `_`");
                args.errors.push_at(text.span(), message);
            }
            Some(value)
        }
        None => None,
    };
    let record = record(&input, &mut args);
    let derives = derives(&input.attrs);
    let cfgs = cfgs(&input.attrs);
    let rename = name.as_ref().map(|name| quote!(#[schemars(rename = #name)]));
    let name = name.unwrap_or_else(|| ident.unraw().to_string());
    if input.generics.params.is_empty() {
        let errors = args.errors.into_tokens();
        quote! {
            #derives
            #rename
            #item
            #(#cfgs)*
            const _: () = {
                use ::__nango_core::__private as __nango;
                impl __nango::Data for #ident {}
                impl __nango::Model for #ident {
                    const NAME: &'static str = #name;
                    const INFO: &'static __nango::ModelInfo = &__nango::ModelInfo {
                        name: #name,
                        schema: __nango::schema::<#ident>,
                        type_name: ::core::any::type_name::<#ident>,
                    };
                }
                #record
            };
            #errors
        }
    } else {
        let errors = args.errors.into_tokens();
        quote!(#derives #item #errors)
    }
}

/// Returns the `impl Record` of a struct with an id.
fn record(input: &DeriveInput, args: &mut Args) -> TokenStream {
    let ident = &input.ident;
    let key = args.string("id");
    let updated = args.string("updated");
    let fields = match &input.data {
        Data::Struct(data) => data.fields.iter().collect(),
        _ => Vec::new(),
    };
    if let (Some(key), Data::Enum(_)) = (&key, &input.data) {
        args.errors.push_at(key.span(), "an enum has no fields, and so no id: it is data, not a record");
        return TokenStream::new();
    }
    if let (Some(updated), Data::Enum(_)) = (&updated, &input.data) {
        args.errors
            .push_at(updated.span(), "an enum has no fields, and so no time of update: it is data, not a record");
        return TokenStream::new();
    }
    let id_name = key.as_ref().map_or_else(|| "id".to_owned(), LitStr::value);
    let time = updated.as_ref().map(|updated| time(input, &fields, updated, args));
    let broken = quote! {
        impl __nango::Record for #ident {
            type Id = ::std::string::String;
            fn id(&self) -> &Self::Id { loop {} }
        }
    };
    match (field(&fields, &id_name), key, updated) {
        (Some((id, field)), ..) => {
            // The span of the type, so that a type that cannot be an id is reported there.
            let ty = &field.ty;
            let assoc = quote_spanned!(ty.span()=> type Id = #ty;);
            quote! {
                impl __nango::Record for #ident {
                    #assoc
                    fn id(&self) -> &Self::Id { &self.#id }
                    #time
                }
            }
        }
        (None, Some(key), _) => {
            args.errors.push_at(key.span(), no_field(ident, &fields, &id_name));
            broken
        }
        (None, None, Some(updated)) => {
            let message = format!(
                "`updated` compares records, and `{ident}` has no `id`\ngive it a field `id` of type `String` or an \
                 integer, or name its key: `#[model(id = \"field\", updated = \"{}\")]`",
                updated.value()
            );
            args.errors.push_at(updated.span(), message);
            broken
        }
        (None, None, None) => TokenStream::new(),
    }
}

/// Returns the functions that read the update time of a record. `updated` is the Rust name of the field.
fn time(input: &DeriveInput, fields: &[&Field], updated: &LitStr, args: &mut Args) -> TokenStream {
    let Some((ident, found)) = field(fields, &updated.value()) else {
        args.errors.push_at(updated.span(), no_field(&input.ident, fields, &updated.value()));
        return TokenStream::new();
    };
    let name = json_name(&input.attrs, found);
    // The span of the type, so that a type that cannot be a time is reported there.
    let read = quote_spanned!(found.ty.span()=> __nango::updated(&self.#ident));
    quote! {
        const UPDATED: ::core::option::Option<&'static str> = ::core::option::Option::Some(#name);
        fn updated_micros(&self) -> ::core::option::Option<i64> { #read }
    }
}

/// Parses a struct or an enum. If the item is neither, returns the item with the error.
pub(crate) fn read(what: &str, on: &str, item: &TokenStream) -> Result<DeriveInput, TokenStream> {
    let with_item = |error: Error| {
        let error = error.into_compile_error();
        quote!(#item #error)
    };
    match syn::parse2::<DeriveInput>(item.clone()) {
        Ok(input) => match &input.data {
            Data::Union(data) => {
                Err(with_item(Error::new(data.union_token.span(), format!("{what} goes on {on}, not on a union"))))
            }
            _ => Ok(input),
        },
        Err(error) => {
            let is_type = item.clone().into_iter().any(
                |tree| matches!(&tree, proc_macro2::TokenTree::Ident(word) if *word == "struct" || *word == "enum"),
            );
            Err(with_item(if is_type { error } else { Error::new(error.span(), format!("{what} goes on {on}")) }))
        }
    }
}

/// Refuses type parameters: a registered type has one name and one schema.
pub(crate) fn no_generics(what: &str, input: &DeriveInput, errors: &mut Errors) {
    if let Some(generic) = input.generics.params.first() {
        errors.push_at(generic.span(), format!("{what} cannot be generic: it has one name and one schema"));
    }
}

/// Finds a field by its name.
pub(crate) fn field<'a>(fields: &[&'a Field], name: &str) -> Option<(&'a Ident, &'a Field)> {
    fields.iter().find_map(|field| {
        let ident = field.ident.as_ref()?;
        (ident.unraw() == name).then_some((ident, *field))
    })
}

/// Returns the message for an unknown field.
pub(crate) fn no_field(ident: &Ident, fields: &[&Field], name: &str) -> String {
    let names: Vec<String> =
        fields.iter().filter_map(|field| Some(field.ident.as_ref()?.unraw().to_string())).collect();
    let hint = suggest::nearest(name, names.iter().map(String::as_str))
        .map(|nearest| format!(", did you mean `{nearest}`?"))
        .unwrap_or_default();
    format!("`{ident}` has no field `{name}`{hint}\nits fields: {}", list(&names))
}
