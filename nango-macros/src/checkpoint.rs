//! `#[checkpoint]`: a flat struct that a function stores between its runs.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, Error, Type, spanned::Spanned};

use crate::{args::Args, attributes::cfgs, data::DataType};

const WHAT: &str = "`#[checkpoint]`";
const ON: &str = "a struct with named fields";
const KEYS: &[&str] = &[];

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let args = Args::parse(WHAT, KEYS, args);
    let ty = match DataType::read(WHAT, ON, item) {
        Ok(ty) => ty,
        Err(tokens) => return tokens,
    };
    match CheckpointDeclaration::validate(args, &ty) {
        Ok(declaration) => declaration.expand(&ty),
        Err(invalid) => invalid.expand(&ty),
    }
}

/// A valid declaration of a checkpoint.
struct CheckpointDeclaration<'a> {
    fields: Vec<CheckpointField<'a>>,
}

/// Field of a checkpoint. The compiler checks that its type is a scalar or an option of one.
struct CheckpointField<'a> {
    ty: &'a Type,
    cfgs: Vec<&'a Attribute>,
}

/// Declaration of a checkpoint with errors. Its fields are checked too, so that all mistakes are reported at once.
struct InvalidCheckpoint<'a> {
    error: Error,
    fields: Vec<CheckpointField<'a>>,
}

impl<'a> CheckpointDeclaration<'a> {
    /// Checks the arguments and the struct. The error contains all mistakes.
    fn validate(mut args: Args, ty: &'a DataType) -> Result<Self, InvalidCheckpoint<'a>> {
        ty.check_generics(WHAT, &mut args.errors);
        if !ty.has_named_fields() {
            args.errors.push_at(ty.ident().span(), format!("{WHAT} applies to {ON}"));
        }
        let field =
            |(_, field): (&'a Ident, &'a syn::Field)| CheckpointField { ty: &field.ty, cfgs: cfgs(&field.attrs) };
        let fields = ty.fields().map(field).collect();
        match args.errors.or(()) {
            Ok(()) => Ok(Self { fields }),
            Err(error) => Err(InvalidCheckpoint { error, fields }),
        }
    }

    fn expand(&self, ty: &DataType) -> TokenStream {
        ty.with_items(None, &items(ty.ident(), &self.fields))
    }
}

impl InvalidCheckpoint<'_> {
    /// Returns a checkpoint with errors, which functions can declare.
    fn expand(self, ty: &DataType) -> TokenStream {
        let items = items(ty.ident(), &self.fields);
        ty.with_errors(self.error, Some(&items))
    }
}

fn items(ident: &Ident, fields: &[CheckpointField<'_>]) -> TokenStream {
    let checks = fields.iter().map(|CheckpointField { ty, cfgs }| {
        let check = quote_spanned!(ty.span()=> __nango::flat::<#ty>(););
        quote!(#(#cfgs)* #check)
    });
    quote! {
        impl __nango::Checkpoint for #ident {}
        const _: fn() = || { #(#checks)* };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = "struct Position { page: u32, #[cfg(unix)] since: Option<String> }";

    fn ty(item: &str) -> DataType {
        DataType::read(WHAT, ON, &item.parse().unwrap()).ok().unwrap()
    }

    fn args(args: &str) -> Args {
        Args::parse(WHAT, KEYS, args.parse().unwrap())
    }

    #[test]
    fn every_field_is_declared_with_its_conditions() {
        let ty = ty(ITEM);
        let got = CheckpointDeclaration::validate(args(""), &ty).ok().unwrap();
        let cfgs: Vec<usize> = got.fields.iter().map(|field| field.cfgs.len()).collect();
        assert_eq!(cfgs, [0, 1]);
    }

    #[test]
    fn all_mistakes_are_in_one_error() {
        let ty = ty("struct Position<T>(T);");
        let error = CheckpointDeclaration::validate(args("name = \"a\""), &ty).err().unwrap().error;
        let messages: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
        let expect = ["unknown key `name`", "cannot be generic", "applies to a struct with named fields"];
        assert_eq!(messages.len(), expect.len(), "{messages:?}");
        assert!(messages.iter().zip(expect).all(|(got, expect)| got.contains(expect)), "{messages:?}");
    }

    #[test]
    fn checkpoint_with_an_error_can_be_declared_and_its_fields_are_checked() {
        let expanded = expand("name = \"a\"".parse().unwrap(), &ITEM.parse().unwrap()).to_string().replace(' ', "");
        for expect in ["Checkpointfor", "flat::<u32>", "unknownkey`name`"] {
            assert!(expanded.contains(expect), "{expect}: {expanded}");
        }
    }
}
