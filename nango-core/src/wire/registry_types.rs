//! Types in the schemas of the HTTP API that stand for those of the registered functions.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! registry_type {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub(crate) enum $name {}

            impl $name {
                /// Name of the schema in the document.
                pub(crate) const NAME: &'static str = $text;
            }

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    Self::NAME.into()
                }

                fn schema_id() -> Cow<'static, str> {
                    concat!(module_path!(), "::", $text).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!(true)
                }
            }
        )*
    };
}

registry_type! {
    /// Record of any model that a sync saves. The document replaces its schema by those of the models.
    RegistryRecord = "RegistryRecord",
    /// Input of any action.
    RegistryInput = "ActionInput",
    /// Output of any action.
    RegistryOutput = "ActionOutput",
}
