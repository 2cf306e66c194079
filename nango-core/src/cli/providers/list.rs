//! `registry providers list`: the entries of the catalogue as a table.

use clap::{ArgMatches, Args, FromArgMatches};

use crate::{
    cli::{
        Command, CommandError, Context, Exit,
        table::{pluralized, table, truncated},
    },
    provider::{CatalogueEntry, Provider},
    wire::ProviderRow,
};

/// `registry providers list [--paginated] [--search TEXT]`
#[derive(Debug)]
pub(super) struct List;

#[derive(Debug, Args)]
struct Arguments {
    /// Only providers with a declared pagination
    #[arg(long)]
    paginated: bool,
    /// Only providers with this text in their name or category, case-insensitive
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

impl Arguments {
    fn matches(&self, provider: &Provider) -> bool {
        let found = |text: &str| {
            let text = text.to_lowercase();
            let names = [&provider.name, &provider.display_name];
            names.into_iter().chain(&provider.categories).any(|name| name.to_lowercase().contains(&text))
        };
        (!self.paginated || provider.proxy.paginate.is_some()) && self.search.as_deref().is_none_or(found)
    }
}

impl Command for List {
    fn clap(&self) -> clap::Command {
        Arguments::augment_args(clap::Command::new("list").about("Lists the providers of the catalogue"))
            .after_help("Example: registry providers list --search crm --paginated")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        context.warn_of_unreadable_providers();
        let catalogue = context.catalogue().clone();
        let found: Vec<(&Provider, &CatalogueEntry)> = catalogue
            .entries()
            .filter_map(|(_, listed)| Some((listed.provider.as_ref().ok()?, listed)))
            .filter(|(provider, _)| arguments.matches(provider))
            .collect();
        let today = context.today();
        let rows: Vec<ProviderRow<'_>> =
            found.iter().map(|(provider, listed)| ProviderRow::new(provider, listed, today)).collect();
        let terminal = &mut context.terminal;
        terminal.json(&rows)?;
        if rows.is_empty() {
            terminal.hint(
                "No provider matches. `registry providers list` lists all; an API that is not listed needs `base_url` \
                 in nango.toml.",
            );
            return Ok(Exit::Success);
        }
        let mut shown = table(&["provider", "name", "credentials", "pages", "categories"], terminal.width());
        for (row, (provider, _)) in rows.iter().zip(&found) {
            shown.add_row([
                row.name,
                row.display_name,
                &provider.accepted_modes.iter().map(|mode| mode.name()).collect::<Vec<_>>().join(", "),
                row.pagination.unwrap_or_default(),
                &truncated(&row.categories.join(", "), 40),
            ]);
        }
        terminal.line(shown)?;
        terminal.line(pluralized(rows.len() as u64, "provider"))?;
        if let Some(row) = rows.first() {
            terminal.hint(format_args!("Details: registry providers show {}", row.name));
        }
        Ok(Exit::Success)
    }
}
