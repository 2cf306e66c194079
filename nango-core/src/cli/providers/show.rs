//! `registry providers show`: one entry with its credentials, configuration, pagination and retries.

use std::fmt::Display;

use clap::{ArgMatches, Args, FromArgMatches};
use jiff::civil::Date;

use crate::{
    cli::{
        Command, CommandError, Context, Exit, Terminal,
        lifecycle::end_text,
        lookup, remedy,
        table::{table, truncated},
    },
    declare::{ErrorAt, ErrorValue, OffsetBy, Paginate, PaginateKind},
    provider::{CatalogueEntry, Facts, Field, Provider, Template, Verification},
    wire::ProviderDetail,
};

/// `registry providers show <name>`
#[derive(Debug)]
pub(super) struct Show;

#[derive(Debug, Args)]
struct Arguments {
    /// Name of the provider
    name: String,
}

impl Command for Show {
    fn clap(&self) -> clap::Command {
        let about = "Shows a provider: base URL, credentials, configuration, pagination and retries";
        Arguments::augment_args(clap::Command::new("show").about(about))
            .after_help("Example: registry providers show hubspot")
    }

    fn run(&self, matches: &ArgMatches, context: &mut Context) -> Result<Exit, CommandError> {
        let arguments = Arguments::from_arg_matches(matches)?;
        let catalogue = context.catalogue().clone();
        let provider = catalogue
            .find(&arguments.name)
            .map_err(|error| CommandError::not_found(remedy::text(&error, error.remedy())))?;
        let Some((_, listed)) = catalogue.entries().find(|(name, _)| *name == provider.name) else {
            return Ok(Exit::Success);
        };
        let today = context.today();
        context.terminal.json(&ProviderDetail::new(provider, listed, today))?;
        human(&mut context.terminal, provider, listed, today)?;
        Ok(Exit::Success)
    }
}

fn human(
    terminal: &mut Terminal,
    provider: &Provider,
    listed: &CatalogueEntry,
    today: Date,
) -> Result<(), CommandError> {
    terminal.line(format_args!("{} ({})", provider.display_name, provider.name))?;
    let (problems, warnings) = listed.findings();
    for (what, text) in facts(provider, listed, today) {
        terminal.line(format_args!("{what:<14}{text}"))?;
    }
    let form = |terminal: &mut Terminal, title: &str, fields: &[Field]| {
        let visible: Vec<&Field> = fields.iter().filter(|field| !field.hidden && !field.automated).collect();
        if visible.is_empty() { Ok(()) } else { print_fields(terminal, title, &visible) }
    };
    form(terminal, "Credentials", &provider.credentials)?;
    form(terminal, "Configuration of a connection", &provider.config)?;
    form(terminal, "Configuration of the integration", &provider.integration_config)?;
    form(terminal, "Options of the token request", &provider.assertion_options)?;
    for problem in problems {
        terminal.line(format_args!("\nThis entry cannot be used: {problem}"))?;
    }
    for warning in warnings {
        terminal.note(format_args!("warning: {warning}"));
    }
    terminal.line(format_args!("\nConnect it:\n  {}", add_command(provider)))
}

type Fact = (&'static str, String);

fn facts(provider: &Provider, listed: &CatalogueEntry, today: Date) -> Vec<Fact> {
    let proxy = &provider.proxy;
    let mut facts: Vec<Fact> = Vec::new();
    let mut put = |what: &'static str, text: Option<String>| {
        facts.extend(text.filter(|text| !text.is_empty()).map(|text| (what, text)));
    };
    let url = |template: &Option<Template>| template.as_ref().map(ToString::to_string);
    put("categories", Some(provider.categories.join(", ")));
    put("documentation", provider.docs.clone());
    put("defined", listed.origin.file.is_some().then(|| listed.origin.to_string()));
    put("credentials", Some(provider.accepted_modes.iter().map(|mode| mode.name()).collect::<Vec<_>>().join(", ")));
    put("base URL", url(&proxy.base_url));
    put("consent", url(&provider.authorization.url));
    put("tokens", url(&provider.token.url));
    put("scopes", Some(provider.token.default_scopes.join(" ")));
    put("headers", Some(joined(proxy.headers.iter().map(|(name, _)| name))));
    put("parameters", Some(joined(proxy.query.iter().map(|(name, _)| name))));
    put("pages", proxy.paginate.as_ref().map(pagination_text));
    put("errors", (!proxy.errors.is_empty()).then(|| errors_text(&proxy.errors)));
    put("retries", Some(retry_text(provider)));
    let probe = proxy.verification.as_ref();
    put("verified by", probe.map(verification_text));
    put("facts", Some(facts_text(&provider.facts)));
    put("ends", provider.lifecycle.as_ref().map(|lifecycle| end_text(lifecycle, today)));
    facts
}

/// Describes the request that verifies credentials.
fn verification_text(probe: &Verification) -> String {
    let request = format!("{} {}", probe.method, joined(&probe.endpoints));
    match &probe.refusal {
        Some(refusal) => format!("{request}; refused if `{}` is {}", refusal.path, refusal.value),
        None => request,
    }
}

/// Describes the sources of an entry's facts.
fn facts_text(facts: &Facts) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(facts.described_by.as_ref().map(|source| format!("machine-checked with {source}")));
    parts.extend(facts.read_on.map(|day| format!("source read on {day}")));
    if parts.is_empty() {
        parts.push("unconfirmed".to_owned());
    }
    if !facts.unconfirmed.is_empty() {
        parts.push(format!("unconfirmed: {}", facts.unconfirmed.join(", ")));
    }
    parts.join("; ")
}

fn joined(names: impl IntoIterator<Item = impl Display>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}

/// Describes how the next page is found.
fn pagination_text(paginate: &Paginate) -> String {
    let mut text = match &paginate.kind {
        None => return String::new(),
        Some(PaginateKind::Link { rel, path }) => match (rel, path) {
            (Some(rel), Some(path)) => format!("link `{rel}` of the header, else `{path}` of the body"),
            (Some(rel), None) => format!("link `{rel}` of the header"),
            (None, Some(path)) => format!("link `{path}` of the body"),
            (None, None) => "link".to_owned(),
        },
        Some(PaginateKind::Cursor { name, path }) => format!("cursor `{path}` of the body in `{name}`"),
        Some(PaginateKind::LastItem { name, id }) => format!("cursor `{id}` of the last record in `{name}`"),
        Some(PaginateKind::Offset { name, start, by }) => {
            let by = if *by == OffsetBy::Page { "pages" } else { "records" };
            format!("offset `{name}` from {start}, counting {by}")
        }
    };
    let mut add = |what: &str, name: &Option<std::borrow::Cow<'static, str>>| {
        if let Some(name) = name {
            text.extend(["; ", what, " `", name, "`"]);
        }
    };
    add("records at", &paginate.response_path);
    add("key of a record in", &paginate.response_key);
    add("another page if", &paginate.has_more);
    add("last page if", &paginate.is_last);
    add("number of records at", &paginate.total);
    add("number of pages at", &paginate.total_pages);
    add("page size in", &paginate.limit_name);
    if let Some(statuses) = &paginate.end_status {
        text.extend(["; status after the last page ", &joined(statuses.iter())]);
    }
    match paginate.null_is_empty {
        Some(true) => text.push_str("; null is an empty list"),
        Some(false) => text.push_str("; null is not a list"),
        None => {}
    }
    if let Some(kind) = paginate.pagination {
        text.extend(["; declared as ", kind.name(), " pagination"]);
    }
    text
}

/// Describes the errors in responses with a success status.
fn errors_text(errors: &[ErrorAt]) -> String {
    let describe = |error: &ErrorAt| {
        let mut text = match &error.is {
            Some(ErrorValue::Bool(value)) => format!("`{}` is {value}", error.path),
            Some(ErrorValue::Number(value)) => format!("`{}` is {value}", error.path),
            Some(ErrorValue::Text(value)) => format!("`{}` is \"{value}\"", error.path),
            None => format!("`{}` has a value", error.path),
        };
        if let Some(message) = &error.message {
            text.extend([", message at `", message, "`"]);
        }
        text.push_str(if error.partial { ", data is kept" } else { "" });
        text
    };
    errors.iter().map(describe).collect::<Vec<_>>().join("; ")
}

/// Describes the retry rules that an entry adds to the standard headers.
fn retry_text(provider: &Provider) -> String {
    let rules = &provider.proxy.retry;
    let mut parts: Vec<String> = Vec::new();
    let mut add = |what: &str, headers: String| {
        if !headers.is_empty() {
            parts.push(format!("{what} {headers}"));
        }
    };
    add("wait as in", joined(&rules.retry_after_headers));
    add("wait until", joined(&rules.retry_at_headers));
    add("remaining requests in", joined(&rules.remaining_header));
    add("rate limit if the body matches at", joined(rules.body_wait.iter().map(|rule| &rule.path)));
    add("default wait for a rate limit", joined(rules.limit_wait.map(|wait| format!("{} s", wait.as_secs()))));
    parts.join("; ")
}

fn print_fields(terminal: &mut Terminal, title: &str, fields: &[&Field]) -> Result<(), CommandError> {
    let mut shown = table(&["name", "title", "required", "example", "description"], terminal.width());
    for field in fields {
        let mut what = truncated(&field.description, 80);
        if !field.choices.is_empty() {
            what = format!("one of {}", truncated(&field.choices.join(", "), 80));
        }
        let needed = match &field.default {
            _ if field.is_required() => "yes".to_owned(),
            Some(default) if !default.is_empty() => format!("default {}", truncated(default, 20)),
            _ => "no".to_owned(),
        };
        let example =
            field.example.as_deref().map(|example| truncated(&with_affixes(field, example), 40)).unwrap_or_default();
        shown.add_row([&field.name, &field.title, &needed, &example, &what]);
    }
    terminal.line(format_args!("\n{title}\n{shown}"))
}

/// Formats a value with the fixed prefix and suffix around it, which are not part of the value.
fn with_affixes(field: &Field, value: &str) -> String {
    let (prefix, suffix) = (field.prefix.as_deref().unwrap_or_default(), field.suffix.as_deref().unwrap_or_default());
    match (prefix.is_empty(), suffix.is_empty()) {
        (true, true) => value.to_owned(),
        _ => format!("{prefix}[{value}]{suffix}"),
    }
}

/// Returns the command that adds a connection, with the usual credentials and the required configuration.
fn add_command(provider: &Provider) -> String {
    let mut line = format!("registry connection add {} <id>", lookup::shell_quoted(&provider.name));
    line.push_str(&lookup::auth_arguments(lookup::simplest_auth_mode(provider), Some(provider)));
    for name in provider.required_config() {
        let example = provider.config.iter().find(|field| field.name == name).and_then(|field| field.example.clone());
        let value = example.filter(|example| !example.contains(['*', '…'])).unwrap_or_else(|| "…".to_owned());
        line.extend([" --set ", &lookup::shell_quoted(&format!("{name}={value}"))]);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{declare::Pagination, provider::Catalogue};

    fn entry(keys: &str) -> Provider {
        let catalogue = Catalogue::parse(&format!("acme:\n{keys}")).unwrap();
        catalogue.find("acme").unwrap().clone()
    }

    #[test]
    fn add_command_has_required_values() {
        let keys = "  auth_mode: BASIC
  proxy: { base_url: 'https://${connectionConfig.site}.h.test/${connectionConfig.project}' }
  connection_config: { site: { example: my site }, project: { example: 'ab***' }, other: { example: x } }
";
        let expect = [
            "registry connection add acme <id> --auth basic --credentials",
            r#"'{"username": "…", "password": "…"}' --set 'site=my site' --set 'project=…'"#,
        ];
        assert_eq!(add_command(&entry(keys)), expect.join(" "));
        let open = entry("  auth_mode: NONE\n  proxy: { base_url: 'https://h.test' }\n");
        assert_eq!(add_command(&open), "registry connection add acme <id> --auth none");
    }

    #[test]
    fn limits_and_verification_are_described() {
        let provider = entry(
            "  auth_mode: NONE
  proxy:
    base_url: 'https://h.test'
    retry: { after: [x-wait], in_body: { path: message, value: /limit/, strategy: after }, limit_wait: 60 }
    verification: { method: POST, endpoints: [/auth.test], error: { when: ok, is: false } }
",
        );
        assert_eq!(
            retry_text(&provider),
            "wait as in x-wait; rate limit if the body matches at message; default wait for a rate limit 60 s"
        );
        let probe = provider.proxy.verification.as_ref().map(verification_text);
        assert_eq!(probe.as_deref(), Some("POST /auth.test; refused if `ok` is false"));
    }

    #[test]
    fn pagination_is_described() {
        let check = |paginate: Paginate, expect: &str| assert_eq!(pagination_text(&paginate), expect);
        check(Paginate::link("next").limit_name("per_page"), "link `next` of the header; page size in `per_page`");
        check(Paginate::link_in_body("next"), "link `next` of the body");
        check(
            Paginate::cursor("after", "paging.after").response_path("results"),
            "cursor `paging.after` of the body in `after`; records at `results`",
        );
        check(
            Paginate::last_item("after", "id").has_more("has_more"),
            "cursor `id` of the last record in `after`; another page if `has_more`",
        );
        check(Paginate::offset("page").start(1).by(OffsetBy::Page), "offset `page` from 1, counting pages");
        check(
            Paginate::offset("skip").is_last("isLast").total("total").null_is_empty(true),
            "offset `skip` from 0, counting records; last page if `isLast`; number of records at `total`; null is an \
             empty list",
        );
        check(
            Paginate::link("next").total_pages("pages").end_status([400, 404]).pagination(Pagination::Position),
            "link `next` of the header; number of pages at `pages`; status after the last page 400, 404; declared as \
             position pagination",
        );
    }

    #[test]
    fn affixes_of_value_are_marked() {
        let provider = entry(
            "  auth_mode: NONE\n  connection_config: { site: { prefix: 'https://', suffix: .h.test }, plain: {} }\n",
        );
        assert_eq!(with_affixes(&provider.config[0], "acme"), "https://[acme].h.test");
        assert_eq!(with_affixes(&provider.config[1], "acme"), "acme");
    }
}
