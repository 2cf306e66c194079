//! `#[model]`: a struct or an enum with a name and a schema; with an id, a record.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, LitStr, Type, ext::IdentExt, spanned::Spanned};

use crate::{
    args::Args,
    data::DataType,
    serde_attributes::{self, field_names, json_name},
};

const WHAT: &str = "`#[model]`";
const ON: &str = "a struct with named fields, or an enum";
const KEYS: &[&str] = &["id", "name", "updated"];

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let args = Args::parse(WHAT, KEYS, args);
    let ty = match DataType::read(WHAT, ON, item) {
        Ok(ty) => ty,
        Err(tokens) => return tokens,
    };
    match ModelDeclaration::validate(args, &ty) {
        Ok(declaration) => declaration.expand(&ty),
        Err(invalid) => invalid.expand(&ty),
    }
}

/// A valid declaration of a model.
struct ModelDeclaration<'a> {
    /// Value of the key `name`.
    name: Option<String>,
    /// `None` for data without an id.
    record: Option<RecordDeclaration<'a>>,
}

/// Declaration of a model with errors.
struct InvalidModel<'a> {
    error: Error,
    record: Result<Option<RecordDeclaration<'a>>, UnknownId>,
}

/// Fields of a model that the cache reads.
struct RecordDeclaration<'a> {
    id: &'a Ident,
    id_type: &'a Type,
    updated: Option<UpdateTime<'a>>,
}

/// Field with the time of a record's last update at the provider.
struct UpdateTime<'a> {
    field: &'a Ident,
    /// The span of the type, so that a type that cannot be a time is reported there.
    span: Span,
    json_name: String,
}

/// Marks a record whose id is not one of its fields, which is among the errors.
struct UnknownId;

impl<'a> ModelDeclaration<'a> {
    /// Checks the arguments and the type. The error contains all mistakes.
    fn validate(mut args: Args, ty: &'a DataType) -> Result<Self, InvalidModel<'a>> {
        if !ty.has_named_fields() && !ty.is_enum() {
            args.errors.push_at(ty.ident().span(), "`#[model]` applies to a struct with named fields, or an enum");
        }
        ty.check_generics(WHAT, &mut args.errors);
        let name = name(&mut args);
        let record = RecordDeclaration::validate(&mut args, ty);
        if let (Ok(Some(record)), Some(transparent)) = (&record, serde_attributes::flag(ty.attrs(), "transparent")) {
            let message = format!(
                "with `#[serde(transparent)]`, the JSON of `{}` is the value of `{}`, and a record is an object: \
                 remove the attribute",
                ty.ident(),
                record.id
            );
            args.errors.push_at(transparent, message);
        }
        match record {
            Ok(record) if args.errors.is_empty() => Ok(Self { name, record }),
            record => Err(InvalidModel { error: args.errors.into_error(), record }),
        }
    }

    fn expand(&self, ty: &DataType) -> TokenStream {
        let rename = self.name.as_ref().map(|name| quote!(#[schemars(rename = #name)]));
        let name = self.name.clone().unwrap_or_else(|| ty.ident().unraw().to_string());
        let record = self.record.as_ref().map(|record| record.expand(ty.ident()));
        let record = record.or_else(|| ty.is_text_enum().then(|| path_value(ty.ident())));
        ty.with_items(rename.as_ref(), &items(ty.ident(), &name, record.as_ref(), renamed(ty).as_ref()))
    }
}

impl InvalidModel<'_> {
    /// Returns a model with errors. It can be used as data, and synced if it has an id or names one.
    fn expand(self, ty: &DataType) -> TokenStream {
        let ident = ty.ident();
        let record = match &self.record {
            Ok(record) => record.as_ref().map(|record| record.expand(ident)),
            Err(UnknownId) => Some(placeholder_record(ident)),
        };
        let items = items(ident, &ident.unraw().to_string(), record.as_ref(), None);
        ty.with_errors(self.error, Some(&items))
    }
}

/// Reads the name of the model from `name = "Issue"`, which is an ASCII identifier.
fn name(args: &mut Args) -> Option<String> {
    let text = args.string("name")?;
    let value = text.value();
    let is_valid_char = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !value.starts_with(|c: char| c.is_ascii_alphabetic()) || !value.chars().all(is_valid_char) {
        let message = format!("`{value}` cannot be the name of a model: a letter, then letters, digits and `_`");
        args.errors.push_at(text.span(), message);
    }
    Some(value)
}

impl<'a> RecordDeclaration<'a> {
    /// Reads `id` and `updated`. `None` for data without an id.
    fn validate(args: &mut Args, ty: &'a DataType) -> Result<Option<Self>, UnknownId> {
        let key = args.string("id");
        let updated = args.string("updated");
        if ty.is_enum() {
            let wrong = key.map(|key| (key, "no id")).or_else(|| updated.map(|updated| (updated, "no time of update")));
            if let Some((text, missing)) = wrong {
                let message = format!("an enum has no fields, and so {missing}: it is data, not a record");
                args.errors.push_at(text.span(), message);
            }
            return Ok(None);
        }
        let time = updated.as_ref().and_then(|updated| UpdateTime::validate(updated, args, ty));
        let id_name = key.as_ref().map_or_else(|| "id".to_owned(), LitStr::value);
        match (ty.field(&id_name), key, updated) {
            (Some((id, field)), ..) => Ok(Some(Self { id, id_type: &field.ty, updated: time })),
            (None, Some(key), _) => {
                args.errors.push_at(key.span(), ty.no_field(&id_name));
                Err(UnknownId)
            }
            (None, None, Some(updated)) => {
                let message = format!(
                    "`updated` compares records, and `{}` has no `id`\ngive it a field `id` of type `String` or an \
                     integer, or name its key: `#[model(id = \"field\", updated = \"{}\")]`",
                    ty.ident(),
                    updated.value()
                );
                args.errors.push_at(updated.span(), message);
                Err(UnknownId)
            }
            (None, None, None) => Ok(None),
        }
    }

    /// Returns the `impl Record`.
    fn expand(&self, ident: &Ident) -> TokenStream {
        let Self { id, id_type, updated } = self;
        // The span of the type, so that a type that cannot be an id is reported there.
        let assoc = quote_spanned!(id_type.span()=> type Id = #id_type;);
        let updated = updated.as_ref().map(UpdateTime::expand);
        let as_record = as_record(ident);
        quote! {
            #as_record
            impl __nango::Record for #ident {
                #assoc
                fn id(&self) -> &Self::Id { &self.#id }
                #updated
            }
        }
    }
}

impl<'a> UpdateTime<'a> {
    /// Finds the field. `updated` is its name in Rust.
    fn validate(updated: &LitStr, args: &mut Args, ty: &'a DataType) -> Option<Self> {
        let Some((ident, field)) = ty.field(&updated.value()) else {
            args.errors.push_at(updated.span(), ty.no_field(&updated.value()));
            return None;
        };
        Some(Self { field: ident, span: field.ty.span(), json_name: json_name(ty.attrs(), field) })
    }

    /// Returns the items of `impl Record` that read the time.
    fn expand(&self) -> TokenStream {
        let Self { field, span, json_name } = self;
        let read = quote_spanned!(*span=> __nango::updated(&self.#field));
        quote! {
            const UPDATED: ::core::option::Option<&'static str> = ::core::option::Option::Some(#json_name);
            fn updated_micros(&self) -> ::core::option::Option<i64> { #read }
        }
    }
}

/// Returns the names of the fields that serde renames; nothing if there are none.
fn renamed(ty: &DataType) -> Option<TokenStream> {
    let names: Vec<_> = field_names(ty).filter(|(name, json_name)| name != json_name).collect();
    let pairs = names.iter().map(|(name, json_name)| quote!((#name, #json_name)));
    (!names.is_empty() && !ty.is_enum())
        .then(|| quote!(const RENAMED: &'static [(&'static str, &'static str)] = &[#(#pairs),*];))
}

fn items(ident: &Ident, name: &str, record: Option<&TokenStream>, renamed: Option<&TokenStream>) -> TokenStream {
    quote! {
        impl __nango::Model for #ident {
            const NAME: &'static str = #name;
            const INFO: &'static __nango::ModelInfo = &__nango::ModelInfo {
                name: #name,
                schema: __nango::schema::<#ident>,
                type_name: ::core::any::type_name::<#ident>,
            };
            #renamed
        }
        #record
    }
}

/// Returns the implementation by which methods take records and references to them.
fn as_record(ident: &Ident) -> TokenStream {
    quote! {
        impl __nango::AsRecord for #ident {
            type Model = Self;
            fn record(&self) -> &Self { self }
        }
    }
}

/// Returns the implementation by which an enum is a value of a path, as the text that serde writes.
fn path_value(ident: &Ident) -> TokenStream {
    quote! {
        impl __nango::PathValue for #ident {
            fn path_value(&self) -> __nango::Cow<'_, str> { __nango::enum_text(self) }
        }
    }
}

/// Returns the `impl Record` of a model whose id is unknown, so that its syncs report no errors.
fn placeholder_record(ident: &Ident) -> TokenStream {
    let as_record = as_record(ident);
    quote! {
        #as_record
        impl __nango::Record for #ident {
            type Id = ::std::string::String;
            fn id(&self) -> &Self::Id { loop {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    const ITEM: &str = "#[serde(rename_all = \"camelCase\")] struct Issue { id: u64, number: u32, closed_at: String }";

    #[test]
    fn enum_that_is_written_as_text_is_a_value_of_a_path() {
        for (item, expect) in [
            ("#[serde(rename_all = \"lowercase\")] enum State { Open, Closed }", true),
            ("enum State { Open(u8) }", false),
            ("#[serde(untagged)] enum State { Open }", false),
            ("#[serde(rename_all = \"lowercase\", tag = \"type\")] enum State { Open }", false),
            ("struct State { open: bool }", false),
        ] {
            assert_eq!(ty(item).is_text_enum(), expect, "{item}");
            let expanded = expand(TokenStream::new(), &item.parse().unwrap()).to_string();
            assert_eq!(expanded.contains("PathValue"), expect, "{expanded}");
        }
    }

    fn ty(item: &str) -> DataType {
        DataType::read(WHAT, ON, &item.parse().unwrap()).ok().unwrap()
    }

    fn args(args: &str) -> Args {
        Args::parse(WHAT, KEYS, args.parse().unwrap())
    }

    #[track_caller]
    fn check_errors(input: &str, item: &str, expect: &[&str]) {
        let ty = ty(item);
        let error = ModelDeclaration::validate(args(input), &ty).err().unwrap().error;
        let messages: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
        assert_eq!(messages.len(), expect.len(), "{messages:?}");
        assert!(messages.iter().zip(expect).all(|(got, expect)| got.contains(expect)), "{messages:?}");
    }

    #[test]
    fn model_is_a_record_if_it_has_an_id() {
        let ty = ty(ITEM);
        let got = ModelDeclaration::validate(args(""), &ty).ok().unwrap();
        let record = got.record.unwrap();
        assert_eq!((record.id.to_string(), record.id_type.to_token_stream().to_string()), ("id".into(), "u64".into()));
        assert!(got.name.is_none() && record.updated.is_none());

        let input = "name = \"GithubIssue\", id = \"number\", updated = \"closed_at\"";
        let got = ModelDeclaration::validate(args(input), &ty).ok().unwrap();
        let record = got.record.unwrap();
        assert_eq!((got.name.as_deref(), record.id.to_string()), (Some("GithubIssue"), "number".into()));
        assert_eq!(record.updated.unwrap().json_name, "closedAt");
    }

    #[test]
    fn type_without_an_id_is_data() {
        for item in ["struct Config { owner: String }", "enum State { Open, Closed }"] {
            let ty = ty(item);
            assert!(ModelDeclaration::validate(args(""), &ty).ok().unwrap().record.is_none(), "{item}");
        }
    }

    #[test]
    fn all_mistakes_are_in_one_error() {
        check_errors(
            "nmae = \"a b\", id = \"nmber\", updated = \"closed\", colour = 3",
            "struct Issue<T> { number: T }",
            &[
                "did you mean `name`?",
                "unknown key `colour`",
                "cannot be generic",
                "`a b` cannot be the name of a model",
                "has no field `closed`",
                "did you mean `number`?",
            ],
        );
        check_errors("updated = \"at\"", "struct A { at: String }", &["`updated` compares records"]);
        check_errors("id = \"at\"", "enum A { B }", &["an enum has no fields, and so no id"]);
        check_errors("updated = \"at\"", "enum A { B }", &["an enum has no fields, and so no time of update"]);
        check_errors("", "#[serde(transparent)] struct A { id: u64 }", &["the JSON of `A` is the value of `id`"]);
        check_errors("", "struct A(u64);", &["applies to a struct with named fields, or an enum"]);
    }

    #[test]
    fn model_with_an_error_can_be_synced_if_it_names_an_id() {
        let expanded = |args: &str, item: &str| expand(args.parse().unwrap(), &item.parse().unwrap()).to_string();
        let without_id = "struct A { at: String }";
        assert!(expanded("colour = 3", ITEM).contains("type Id = u64"));
        assert!(expanded("id = \"number\"", without_id).contains("type Id = :: std :: string :: String"));
        let data = expanded("colour = 3", without_id);
        assert!(data.contains("Model for A") && !data.contains("Record"), "{data}");
    }
}
