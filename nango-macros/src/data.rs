//! Type under a data attribute: `#[model]`, `#[patch]` or `#[checkpoint]`.

use nango_grammar::suggest;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, ext::IdentExt, spanned::Spanned};

use crate::{
    args::{Errors, list},
    attributes::{cfgs, derives},
    nested,
};

/// Keys of `#[serde(…)]` with which an enum of variants without data is not written as text.
const OTHER_FORMS: [&str; 4] = ["tag", "untagged", "into", "transparent"];

/// Struct or enum under an attribute.
pub(crate) struct DataType {
    /// The item as it is emitted.
    item: TokenStream,
    input: DeriveInput,
}

impl DataType {
    /// Parses the item under the attribute `what`, which applies to `on`. If it is neither a struct nor an enum,
    /// returns the item with the error.
    pub(crate) fn read(what: &str, on: &str, item: &TokenStream) -> Result<Self, TokenStream> {
        let with_item = |error: Error| {
            let error = error.into_compile_error();
            quote!(#item #error)
        };
        match syn::parse2::<DeriveInput>(item.clone()) {
            Ok(DeriveInput { data: Data::Union(data), .. }) => {
                let message = format!("{what} applies to {on}, not on a union");
                Err(with_item(Error::new(data.union_token.span(), message)))
            }
            Ok(input) => Ok(Self { item: item.clone(), input }),
            Err(error) => {
                let is_type = item
                    .clone()
                    .into_iter()
                    .any(|tree| matches!(&tree, TokenTree::Ident(word) if *word == "struct" || *word == "enum"));
                Err(with_item(if is_type {
                    error
                } else {
                    Error::new(error.span(), format!("{what} applies to {on}"))
                }))
            }
        }
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.input.ident
    }

    pub(crate) fn attrs(&self) -> &[Attribute] {
        &self.input.attrs
    }

    pub(crate) fn is_enum(&self) -> bool {
        matches!(self.input.data, Data::Enum(_))
    }

    /// Returns whether the type is an enum whose values serde writes as text: variants without data, in the default
    /// representation.
    pub(crate) fn is_text_enum(&self) -> bool {
        let Data::Enum(data) = &self.input.data else { return false };
        let is_unit = data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit));
        let is_other = |attr: &Attribute| {
            attr.path().is_ident("serde")
                && attr.meta.require_list().is_ok_and(|list| {
                    let mut tokens = list.tokens.clone().into_iter();
                    tokens.any(
                        |token| matches!(token, TokenTree::Ident(word) if OTHER_FORMS.iter().any(|form| word == form)),
                    )
                })
        };
        is_unit && !self.attrs().iter().any(is_other)
    }

    pub(crate) fn has_named_fields(&self) -> bool {
        matches!(&self.input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)))
    }

    /// Returns the named fields of a struct with their names.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&Ident, &Field)> {
        let fields = match &self.input.data {
            Data::Struct(data) => Some(&data.fields),
            _ => None,
        };
        fields.into_iter().flatten().filter_map(|field| Some((field.ident.as_ref()?, field)))
    }

    /// Finds a field by its name.
    pub(crate) fn field(&self, name: &str) -> Option<(&Ident, &Field)> {
        self.fields().find(|(ident, _)| ident.unraw() == name)
    }

    /// Returns the message for an unknown field.
    pub(crate) fn no_field(&self, name: &str) -> String {
        let names: Vec<String> = self.fields().map(|(ident, _)| ident.unraw().to_string()).collect();
        let hint = suggest::nearest(name, names.iter().map(String::as_str))
            .map(|nearest| format!(", did you mean `{nearest}`?"))
            .unwrap_or_default();
        format!("`{}` has no field `{name}`{hint}\nits fields: {}", self.ident(), list(&names))
    }

    /// Refuses type parameters: a registered type has one name and one schema.
    pub(crate) fn check_generics(&self, what: &str, errors: &mut Errors) {
        if let Some(generic) = self.input.generics.params.first() {
            errors.push_at(generic.span(), format!("{what} cannot be generic: it has one name and one schema"));
        }
    }

    /// Returns the type with additional attributes of its named fields.
    pub(crate) fn with_field_attributes(&self, added: impl Fn(&Ident) -> Vec<Attribute>) -> Self {
        let mut input = self.input.clone();
        if let Data::Struct(data) = &mut input.data {
            for field in &mut data.fields {
                if let Some(ident) = &field.ident {
                    let added = added(ident);
                    field.attrs.extend(added);
                }
            }
        }
        Self { item: input.to_token_stream(), input }
    }

    /// Returns the type with its derives and an additional attribute, and the items of the declaration.
    pub(crate) fn with_items(&self, attribute: Option<&TokenStream>, items: &TokenStream) -> TokenStream {
        let (derives, cfgs) = (derives(self.attrs()), cfgs(self.attrs()));
        let item = nested::checked(&self.input).map_or_else(|| self.item.clone(), ToTokens::into_token_stream);
        quote! {
            #derives
            #attribute
            #item
            #(#cfgs)*
            const _: () = {
                use ::__nango_core::__private as __nango;
                #items
            };
        }
    }

    /// Returns the errors and a type that can be used, so that a mistake causes no further errors. A generic type is
    /// emitted without the items, which have no type parameters.
    pub(crate) fn with_errors(&self, error: Error, items: Option<&TokenStream>) -> TokenStream {
        let error = error.into_compile_error();
        let ty = match items {
            Some(items) if self.input.generics.params.is_empty() => self.with_items(None, items),
            _ => {
                let (derives, item) = (derives(self.attrs()), &self.item);
                quote!(#derives #item)
            }
        };
        quote!(#ty #error)
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn read(item: &str) -> Result<DataType, String> {
        let read = DataType::read("`#[model]`", "a struct or an enum", &item.parse().unwrap());
        read.map_err(|tokens| tokens.to_string())
    }

    #[test]
    fn only_a_struct_or_an_enum_is_read() {
        let named = |item: &str| read(item).map(|ty| (ty.has_named_fields(), ty.is_enum())).unwrap();
        assert_eq!(named("struct A { id: u64 }"), (true, false));
        assert_eq!(named("struct A(u64);"), (false, false));
        assert_eq!(named("enum A { B }"), (false, true));
        let check = |item: &str, expect: &str| {
            let tokens = read(item).err().unwrap();
            assert!(tokens.contains(expect), "{tokens}");
            assert!(tokens.starts_with(item), "the item is emitted again: {tokens}");
        };
        check("union A { a : u8 }", "`#[model]` applies to a struct or an enum, not on a union");
        check("fn a ()", "`#[model]` applies to a struct or an enum");
        check("struct A { id }", "expected `:`");
    }

    #[test]
    fn field_is_found_by_its_name_in_rust() {
        let ty = read("struct A { r#type: u8, number: u64 }").unwrap();
        assert!(ty.field("type").is_some() && ty.field("r#type").is_none());
        let expect = "`A` has no field `nmber`, did you mean `number`?\nits fields: `type`, `number`";
        assert_eq!(ty.no_field("nmber"), expect);
        assert_eq!(read("enum A { B { number: u8 } }").unwrap().fields().count(), 0);
    }

    #[test]
    fn field_attributes_are_added_to_those_of_the_user() {
        let ty = read("struct A { #[doc = \"x\"] a: u8, b: u8 }").unwrap();
        let ty = ty.with_field_attributes(|ident| if ident == "a" { vec![parse_quote!(#[b])] } else { Vec::new() });
        let expect: TokenStream = "struct A { #[doc = \"x\"] #[b] a: u8, b: u8 }".parse().unwrap();
        assert_eq!(ty.item.to_string(), expect.to_string());
        assert_eq!(ty.field("a").unwrap().1.attrs.len(), 2);
    }

    #[test]
    fn generic_type_with_errors_has_no_items() {
        let expand = |item: &str| {
            let error = Error::new(proc_macro2::Span::call_site(), "wrong");
            read(item).unwrap().with_errors(error, Some(&quote!(impl A for B {}))).to_string()
        };
        assert!(expand("struct B { id: u64 }").contains("impl A for B"));
        let generic = expand("struct B<T> { id: T }");
        assert!(!generic.contains("impl A for B") && generic.contains("wrong"), "{generic}");
    }
}
