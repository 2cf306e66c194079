//! `registry schema`: schemas of models, inputs and outputs for clients.

use std::{fs, path::PathBuf};

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use serde_json::Value;

use super::{Command, CommandError, Context, Exit, lookup};
use crate::{
    declare::Registry,
    export::{self, ExportError},
};

/// The command `registry schema`.
#[derive(Debug)]
pub(super) struct Schema;

#[derive(Debug, Args)]
struct Arguments {
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::JsonSchema)]
    format: Format,
    /// File to write instead of stdout
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Only the schemas of this integration
    #[arg(long, value_name = "NAME")]
    integration: Option<String>,
    /// Only the schema of this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// JSON Schema, draft 2020-12
    JsonSchema,
    /// Declarations in TypeScript
    #[value(name = "typescript")]
    TypeScript,
}

impl Command for Schema {
    fn clap(&self) -> clap::Command {
        let about = "Prints the schemas of models, inputs and outputs";
        Arguments::augment_args(clap::Command::new("schema").about(about))
            .after_help("Example: registry schema --integration github --out schema.json")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        if let (Format::TypeScript, Some(_)) = (arguments.format, &arguments.model) {
            let message = "--model: the TypeScript format contains all types of an integration; use --integration";
            return Err(CommandError::usage(message));
        }
        let schema = schema(context.registry(), arguments.integration.as_deref(), arguments.model.as_deref())?;
        let typescript = matches!(arguments.format, Format::TypeScript).then(|| export::typescript(&schema));
        match arguments.out {
            Some(path) => {
                let text = typescript.unwrap_or_else(|| format!("{schema:#}\n"));
                fs::write(&path, &text)
                    .map_err(|error| CommandError::failed(format!("cannot write {}: {error}", path.display())))?;
                context.terminal.json(&serde_json::json!({ "out": path, "bytes": text.len() }))?;
                context.terminal.hint(format_args!("wrote {}", path.display()));
            }
            None => match typescript {
                Some(text) => {
                    context.terminal.json(&serde_json::json!({ "typescript": text }))?;
                    context.terminal.line(text.trim_end())?;
                }
                // The result is a JSON document with and without `--json`.
                None => context.terminal.document(&schema)?,
            },
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
        [owner] => export::model(registry, owner, model)
            .map_err(|errors| export_error(&errors))?
            .ok_or_else(|| CommandError::not_found(model)),
        [] => {
            names.sort_unstable();
            names.dedup();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let what = integration.map_or_else(|| "model".to_owned(), |of| format!("model of `{of}` named"));
            Err(CommandError::not_found(lookup::unknown_name(&what, model, &names)))
        }
        owners => Err(CommandError::usage(format!(
            "`{model}` is a model of {}; select one with --integration",
            crate::declare::suggest::list(owners.iter().copied())
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
        let error = schema(&registry, Some("github"), Some("Issue")).unwrap_err();
        assert_eq!(error.to_string(), "unknown model of `github` named `Issue`; none are defined");
        assert_eq!(schema(&registry, Some("gihub"), None).unwrap_err().exit(), Exit::Usage);
    }
}
