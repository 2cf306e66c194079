//! `registry schema`: the schemas of everything, for clients.

use std::{fs, path::PathBuf};

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use serde_json::Value;

use super::{Command, CommandError, Context, Exit, lookup};
use crate::{
    declare::Registry,
    export::{self, ExportError},
};

/// `registry schema`
#[derive(Debug)]
pub(super) struct Schema;

#[derive(Debug, Args)]
struct Arguments {
    /// The form
    #[arg(long, value_enum, default_value_t = Format::JsonSchema)]
    format: Format,
    /// Writes to this file in place of stdout
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Only this integration
    #[arg(long, value_name = "NAME")]
    integration: Option<String>,
    /// Only this model, by itself
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// JSON Schema, draft 2020-12
    JsonSchema,
}

impl Command for Schema {
    fn clap(&self) -> clap::Command {
        let about = "Prints the schemas of models, inputs and outputs";
        Arguments::augment_args(clap::Command::new("schema").about(about))
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches).map_err(|error| CommandError::usage(error.to_string()))?;
        let Format::JsonSchema = arguments.format;
        let schema = schema(context.registry(), arguments.integration.as_deref(), arguments.model.as_deref())?;
        match arguments.out {
            Some(path) => {
                let text = format!("{schema:#}\n");
                fs::write(&path, &text)
                    .map_err(|error| CommandError::failed(format!("{} cannot be written: {error}", path.display())))?;
                context.terminal.json(&serde_json::json!({ "out": path, "bytes": text.len() }))?;
                context.terminal.hint(format_args!("wrote {}", path.display()));
            }
            // The answer is a document in either form.
            None => context.terminal.document(&schema)?,
        }
        Ok(Exit::Success)
    }
}

fn schema(registry: &Registry, integration: Option<&str>, model: Option<&str>) -> Result<Value, CommandError> {
    let integration = integration.map(|name| lookup::integration(registry, name)).transpose()?;
    match model {
        Some(model) => model_schema(registry, integration, model),
        None => export::bundle(registry, integration).map_err(|errors| export_error(&errors)),
    }
}

fn model_schema(registry: &Registry, integration: Option<&str>, model: &str) -> Result<Value, CommandError> {
    let mut names = Vec::new();
    let mut owners = Vec::new();
    for candidate in registry.integrations().into_iter().filter(|name| integration.is_none_or(|only| only == *name)) {
        let own = export::names(registry, candidate).map_err(|errors| export_error(&errors))?;
        if own.iter().any(|name| name == model) {
            owners.push(candidate);
        }
        names.extend(own);
    }
    match owners.as_slice() {
        [home] => export::model(registry, home, model)
            .map_err(|errors| export_error(&errors))?
            .ok_or_else(|| CommandError::not_found(model)),
        [] => {
            names.sort_unstable();
            names.dedup();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let what = integration.map_or_else(|| "model".to_owned(), |of| format!("model of `{of}` named"));
            Err(CommandError::not_found(lookup::unknown_name(&what, model, &names)))
        }
        homes => Err(CommandError::usage(format!(
            "`{model}` is a model of {}: say which with --integration",
            crate::declare::suggest::list(homes.iter().copied())
        ))),
    }
}

pub(super) fn export_error(errors: &[ExportError]) -> CommandError {
    CommandError::setup(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::lookup::tests::{action, registry_of};

    #[test]
    fn unknown_model_is_reported() {
        let registry = registry_of(&[action("github", "create")]);
        assert!(schema(&registry, None, None).unwrap()["integrations"]["github"]["actions"]["create"].is_object());
        let fault = schema(&registry, Some("github"), Some("Issue")).unwrap_err();
        assert_eq!(fault.to_string(), "there is no model of `github` named `Issue`, and no other either");
        assert_eq!(schema(&registry, Some("gihub"), None).unwrap_err().exit(), Exit::Usage);
    }
}
