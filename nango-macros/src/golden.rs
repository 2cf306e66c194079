//! Golden files of expansions: `nango-macros/tests/expansions/NAME.rs` expands to `NAME.expanded.rs`.
//!
//! `NANGO_UPDATE_GOLDEN=1 cargo test -p nango-macros golden` writes the expanded files.

#[path = "../../tests/support/golden.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of the crate `nango-tests`; this crate uses a part of it"
)]
mod shared;

use std::{fs, path::Path};

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Attribute, Item, Meta};

use crate::{action, checkpoint, expansion, model, on_event, on_webhook, patch, sync};

type Expand = fn(TokenStream, &TokenStream) -> TokenStream;

const ATTRIBUTES: [(&str, Expand); 7] = [
    ("action", action::expand),
    ("checkpoint", checkpoint::expand),
    ("model", model::expand),
    ("on_event", on_event::expand),
    ("on_webhook", on_webhook::expand),
    ("patch", patch::expand),
    ("sync", sync::expand),
];

fn attributes_of(item: &mut Item) -> Option<&mut Vec<Attribute>> {
    match item {
        Item::Enum(item) => Some(&mut item.attrs),
        Item::Fn(item) => Some(&mut item.attrs),
        Item::Struct(item) => Some(&mut item.attrs),
        _ => None,
    }
}

fn expand(mut item: Item) -> TokenStream {
    let known = |attribute: &Attribute| ATTRIBUTES.iter().find(|(name, _)| attribute.path().is_ident(name));
    let found = attributes_of(&mut item).and_then(|attributes| {
        let at = attributes.iter().position(|attribute| known(attribute).is_some())?;
        Some(attributes.remove(at))
    });
    let Some(attribute) = found else { return item.into_token_stream() };
    let (name, expand) = known(&attribute).expect("an attribute of this crate");
    let args = match attribute.meta {
        Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    expansion::attribute(name, args, &item.into_token_stream(), *expand)
}

#[test]
fn expansions_equal_their_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expansions");
    let mut checked = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".expanded.rs") {
            continue;
        }
        let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        let items = file.items.into_iter().map(expand);
        let expanded = prettyplease::unparse(&syn::parse2(quote!(#(#items)*)).unwrap());
        shared::check(&path.with_extension("expanded.rs"), &expanded.lines().collect::<Vec<_>>());
        checked += 1;
    }
    assert!(checked >= 4, "{checked} files");
}
