//! `#[sync]`: an async function that saves records by hand, or a mapper of one record.

mod declaration;
mod tokens;

use proc_macro2::TokenStream;

use crate::{args::Args, capability::Capabilities, func::Func};
use declaration::{EXAMPLE, KEYS, SyncDeclaration, WHAT};

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let args = Args::parse(WHAT, KEYS, args);
    let func = match Func::read(WHAT, EXAMPLE, item) {
        Ok(func) => func,
        Err(tokens) => return tokens,
    };
    let capabilities = Capabilities::of(&args);
    match SyncDeclaration::validate(args, &func) {
        Ok(declaration) => tokens::expand(&declaration, func),
        Err(error) => tokens::placeholder(func, error, &capabilities),
    }
}
