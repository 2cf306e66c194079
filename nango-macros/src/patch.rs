//! `#[patch(of = Model)]`: a set of changes to a record. The compiler checks each field against the model's.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Error, Field, GenericArgument, LitStr, PathArguments, Type, ext::IdentExt, parse_quote, spanned::Spanned,
};

use crate::{args::Args, attributes::cfgs, data::DataType, marker, serde_attributes};

const WHAT: &str = "`#[patch]`";
const ON: &str = "a struct with named fields";
const KEYS: &[&str] = &["of", "id", "nested"];

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let args = Args::parse(WHAT, KEYS, args);
    let ty = match DataType::read(WHAT, ON, item) {
        Ok(ty) => ty,
        Err(tokens) => return tokens,
    };
    match PatchDeclaration::validate(args, &ty) {
        Ok(declaration) => declaration.expand(&ty),
        Err(invalid) => invalid.expand(&ty),
    }
}

/// A valid declaration of a patch.
struct PatchDeclaration<'a> {
    model: Type,
    /// Field with the key of the record; `None` for a part of another patch.
    id: Option<IdField<'a>>,
    changes: Vec<Change<'a>>,
}

/// Declaration of a patch with errors.
struct InvalidPatch {
    error: Error,
    /// `None` if the model is missing or invalid.
    model: Option<Box<Type>>,
    nested: bool,
}

struct IdField<'a> {
    ident: &'a Ident,
    /// The span of the type, so that a type that differs from the model's is reported there.
    span: Span,
}

/// Field of a patch other than the id.
struct Change<'a> {
    field: &'a Field,
    ident: &'a Ident,
    wrapper: Wrapper,
    /// Type of the value in the wrapper.
    value: &'a Type,
}

/// Type by which a field can be left out.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrapper {
    Option,
    /// In addition, the field can be set to `null`.
    Patch,
}

impl<'a> PatchDeclaration<'a> {
    /// Checks the arguments and the struct. The error contains all mistakes.
    fn validate(mut args: Args, ty: &'a DataType) -> Result<Self, InvalidPatch> {
        ty.check_generics(WHAT, &mut args.errors);
        let model = args.ty("of");
        if model.is_none() && args.errors.is_empty() {
            let message = "`#[patch]` needs the model that it changes: `#[patch(of = YourModel)]`";
            args.errors.push_at(Span::call_site(), message);
        }
        let nested = args.flag("nested").unwrap_or(false);
        let (id_name, id) = id(&mut args, ty, nested);
        if !ty.has_named_fields() {
            args.errors.push_at(ty.ident().span(), format!("{WHAT} applies to {ON}"));
        }
        // Without an id, a field that cannot be left out may be the id under another name.
        let may_be_id = !nested && id.is_none();
        let mut changes = Vec::new();
        for (ident, field) in ty.fields().filter(|(ident, _)| nested || ident.unraw() != id_name) {
            match wrapped(&field.ty) {
                Some((wrapper, value)) => changes.push(Change { field, ident, wrapper, value }),
                None if may_be_id => {}
                None => args.errors.push_at(field.ty.span(), not_optional(&field.ty)),
            }
        }
        match model {
            Some(model) if args.errors.is_empty() => Ok(Self { model, id, changes }),
            model => Err(InvalidPatch { error: args.errors.into_error(), model: model.map(Box::new), nested }),
        }
    }

    fn expand(&self, ty: &DataType) -> TokenStream {
        let patch_of = self.id.as_ref().map(|IdField { ident, span }| {
            let field = marker::with_span(ident, *span);
            patch_of(ty.ident(), &self.model, &quote_spanned!(*span=> &self.#field))
        });
        let checks = self.changes.iter().map(Change::check);
        let check = (!self.changes.is_empty()).then(|| quote!(const _: fn(__Model) = |model| { #(#checks)* };));
        let items = items(ty.ident(), &self.model);
        let names = self.name_check(ty);
        let change_of = |ident: &Ident| self.changes.iter().find(|change| change.ident == ident);
        ty.with_field_attributes(|ident| change_of(ident).map(Change::attributes).unwrap_or_default())
            .with_items(None, &quote!(#items #patch_of #check #names))
    }
}

impl PatchDeclaration<'_> {
    /// Returns the check that the fields have the JSON names of the model's.
    fn name_check(&self, ty: &DataType) -> TokenStream {
        let patch = ty.ident().unraw().to_string();
        let model = self.model.to_token_stream().to_string().replace(' ', "");
        let pairs = serde_attributes::field_names(ty).map(|(name, json_name)| quote!((#name, #json_name)));
        let assert = quote_spanned!(ty.ident().span()=> __nango::assert_no_message(&MESSAGE););
        quote! {
            const _: () = {
                use __nango::NoModelNames as _;
                const TEXTS: [&str; 11] = __nango::renamed_field(
                    #patch, &[#(#pairs),*], #model, __nango::ModelNames::<__Model>::RENAMED
                );
                const MESSAGE: [u8; __nango::length(&TEXTS)] = __nango::joined(&TEXTS);
                #assert
            };
        }
    }
}

impl InvalidPatch {
    /// Returns a patch with errors. If its model is valid, functions can use it.
    fn expand(self, ty: &DataType) -> TokenStream {
        let items = self.model.map(|model| {
            let items = items(ty.ident(), &model);
            let patch_of = (!self.nested).then(|| patch_of(ty.ident(), &model, &quote!(loop {})));
            quote!(#items #patch_of)
        });
        ty.with_errors(self.error, items.as_ref())
    }
}

impl Change<'_> {
    /// Returns the attributes with which serde leaves the field out, except those that the user has written.
    fn attributes(&self) -> Vec<Attribute> {
        let written = serde_attributes::keys(&self.field.attrs, "serde");
        let is_missing = |key: &str| !written.iter().any(|written| written == key);
        let is_unset = match self.wrapper {
            Wrapper::Option => "::core::option::Option::is_none",
            Wrapper::Patch => "::__nango_core::Patch::is_keep",
        };
        let default = is_missing("default").then(|| parse_quote!(#[serde(default)]));
        let skip = is_missing("skip_serializing_if").then(|| parse_quote!(#[serde(skip_serializing_if = #is_unset)]));
        default.into_iter().chain(skip).collect()
    }

    /// Returns the check of the field's type against the model's.
    fn check(&self) -> TokenStream {
        let Self { field, ident, wrapper, value } = self;
        let cfgs = cfgs(&field.attrs);
        let fits = match wrapper {
            Wrapper::Option => "fits",
            Wrapper::Patch => "fits_nullable",
        };
        let fits = Ident::new(fits, value.span());
        let check = quote_spanned!(value.span()=> __nango::#fits::<#value, _>);
        quote!(#(#cfgs)* #check(&model.#ident);)
    }
}

/// Reads `id`. Returns the name of the field with the key, and the field if it exists. A missing field is reported.
fn id<'a>(args: &mut Args, ty: &'a DataType, nested: bool) -> (String, Option<IdField<'a>>) {
    let key = args.string("id");
    let name = key.as_ref().map_or_else(|| "id".to_owned(), LitStr::value);
    if nested {
        if let Some(key) = key {
            args.errors.push_at(key.span(), "a nested patch has no id: it is a part of another patch");
        }
        return (name, None);
    }
    let found = ty.field(&name).map(|(ident, field)| IdField { ident, span: field.ty.span() });
    if found.is_none() {
        if let Some(key) = key {
            args.errors.push_at(key.span(), ty.no_field(&name));
        } else if ty.has_named_fields() {
            let message = "a patch identifies the record that it changes: add a field `id`, name it with \
                           `#[patch(of = YourModel, id = \"field\")]`, or write `nested` for a part of another patch";
            args.errors.push_at(ty.ident().span(), message);
        }
    }
    (name, found)
}

/// Returns the wrapper of `Option<T>` or `Patch<T>`, and `T`.
fn wrapped(ty: &Type) -> Option<(Wrapper, &Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let wrapper = match last.ident.to_string().as_str() {
        "Option" => Wrapper::Option,
        "Patch" => Wrapper::Patch,
        _ => return None,
    };
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(value) => Some((wrapper, value)),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the message for a field that cannot be left out.
fn not_optional(ty: &Type) -> String {
    let ty = ty.to_token_stream().to_string().replace(' ', "");
    format!("a field of a patch may be left out: write `Option<{ty}>`, or `Patch<{ty}>` if it can also become null")
}

/// Returns the items of every patch. The model is named once, in an alias, so that an unknown model is reported once.
fn items(ident: &Ident, model: &Type) -> TokenStream {
    let alias = quote_spanned!(model.span()=> type __Model = #model;);
    quote! {
        #alias
        impl __nango::Fits<__Model> for #ident {}
        impl __nango::Fits<::core::option::Option<__Model>> for #ident {}
    }
}

/// Returns the `impl PatchOf`. `id` is the expression of the record's key.
fn patch_of(ident: &Ident, model: &Type, id: &TokenStream) -> TokenStream {
    let model = quote_spanned!(model.span()=> type Model = __Model;);
    quote! {
        impl __nango::PatchOf for #ident {
            #model
            fn id(&self) -> &<__Model as __nango::Record>::Id { #id }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = "struct IssuePatch { id: u64, title: Option<String>, #[serde(default)] at: Patch<String> }";

    fn ty(item: &str) -> DataType {
        DataType::read(WHAT, ON, &item.parse().unwrap()).ok().unwrap()
    }

    fn args(args: &str) -> Args {
        Args::parse(WHAT, KEYS, args.parse().unwrap())
    }

    #[track_caller]
    fn check_errors(input: &str, item: &str, expect: &[&str]) {
        let ty = ty(item);
        let error = PatchDeclaration::validate(args(input), &ty).err().unwrap().error;
        let messages: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
        assert_eq!(messages.len(), expect.len(), "{messages:?}");
        assert!(messages.iter().zip(expect).all(|(got, expect)| got.contains(expect)), "{messages:?}");
    }

    #[test]
    fn every_field_but_the_id_is_a_change() {
        let ty = ty(ITEM);
        let got = PatchDeclaration::validate(args("of = Issue"), &ty).ok().unwrap();
        assert_eq!(got.model.to_token_stream().to_string(), "Issue");
        assert_eq!(got.id.map(|id| id.ident.to_string()).as_deref(), Some("id"));
        let changes: Vec<_> = got.changes.iter().map(|change| (change.ident.to_string(), change.wrapper)).collect();
        assert_eq!(changes, [("title".to_owned(), Wrapper::Option), ("at".to_owned(), Wrapper::Patch)]);
        let added: Vec<usize> = got.changes.iter().map(|change| change.attributes().len()).collect();
        assert_eq!(added, [2, 1], "an attribute of the user is not repeated");
    }

    #[test]
    fn nested_patch_has_no_id() {
        let ty = ty("struct UserPatch { id: Option<u64> }");
        let got = PatchDeclaration::validate(args("of = User, nested"), &ty).ok().unwrap();
        assert_eq!((got.id.is_none(), got.changes.len()), (true, 1));
    }

    #[test]
    fn all_mistakes_are_in_one_error() {
        check_errors(
            "of = 3, id = \"nmber\", colour",
            "struct A<T> { number: u64, title: Option<T> }",
            &["unknown key `colour`", "cannot be generic", "`of` is a type", "did you mean `number`?"],
        );
        check_errors("", ITEM, &["needs the model that it changes"]);
        check_errors("of = Issue", "struct A { title: String }", &["identifies the record that it changes"]);
        check_errors("of = Issue", "struct A { id: u64, title: String }", &["write `Option<String>`"]);
        check_errors("of = Issue, nested, id = \"a\"", ITEM, &["a nested patch has no id", "write `Option<u64>`"]);
        check_errors("of = Issue", "struct A(u64);", &["applies to a struct with named fields"]);
    }

    #[test]
    fn patch_with_an_error_can_be_used_if_its_model_is_valid() {
        let expanded = |args: &str| expand(args.parse().unwrap(), &ITEM.parse().unwrap()).to_string();
        assert!(expanded("of = Issue, colour").contains("PatchOf for IssuePatch"));
        assert!(!expanded("of = Issue, colour, nested").contains("PatchOf"));
        assert!(!expanded("colour").contains("impl"));
    }
}
