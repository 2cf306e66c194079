//! Table of the entries and the descriptions that cover them, and of differences in which the entry is right.

/// An entry, and the descriptions of `sources.json` that cover it.
pub(super) const COVERED: &[(&str, &[&str])] = &[
    ("anthropic", &["anthropic"]),
    ("asana", &["asana"]),
    ("attio", &["attio"]),
    ("bitbucket", &["bitbucket"]),
    ("box", &["box"]),
    ("datadog", &["datadog"]),
    ("discord", &["discord"]),
    ("discord-bot", &["discord"]),
    ("docusign", &["docusign"]),
    ("figma", &["figma"]),
    ("figma-pat", &["figma"]),
    ("github", &["github"]),
    ("github-app", &["github"]),
    ("github-pat", &["github"]),
    ("google", &["google-calendar", "google-drive", "google-oauth2"]),
    ("google-calendar", &["google-calendar"]),
    ("google-contacts", &["google-contacts"]),
    ("google-docs", &["google-docs", "google-oauth2"]),
    ("google-drive", &["google-drive"]),
    ("google-mail", &["google-mail"]),
    ("google-service-account", &["google-calendar", "google-drive", "google-oauth2"]),
    ("google-sheet", &["google-sheet", "google-oauth2"]),
    ("hubspot", &["hubspot"]),
    ("intercom", &["intercom"]),
    ("jira", &["jira"]),
    ("jira-oauth", &["jira"]),
    ("klaviyo", &["klaviyo"]),
    ("linear", &["linear"]),
    ("linear-api-key", &["linear"]),
    ("mailchimp", &["mailchimp"]),
    ("mailchimp-api-key", &["mailchimp"]),
    ("microsoft", &["graph"]),
    ("microsoft-oauth2-cc", &["graph"]),
    ("microsoft-teams", &["graph"]),
    ("monday", &["monday"]),
    ("notion", &["notion"]),
    ("okta", &["okta"]),
    ("okta-api-key", &["okta"]),
    ("openai", &["openai"]),
    ("outlook", &["graph"]),
    ("pipedrive", &["pipedrive"]),
    ("pipedrive-api-key", &["pipedrive"]),
    ("sendgrid", &["sendgrid"]),
    ("sentry", &["sentry"]),
    ("shopify", &["shopify"]),
    ("shopify-api-key", &["shopify"]),
    ("slack", &["slack"]),
    ("squareup", &["square"]),
    ("stripe", &["stripe"]),
    ("trello", &["trello"]),
    ("trello-api-key", &["trello"]),
    ("twilio", &["twilio"]),
    ("xero", &["xero"]),
    ("zoom", &["zoom"]),
    ("zoom-cc", &["zoom"]),
];

/// A base address of entries in place of which their description has another one.
pub(super) const GATEWAYS: &[(&[&str], &str)] =
    &[(&["jira", "jira-oauth"], "https://api.atlassian.com/ex/jira/${connectionConfig.cloudId}")];

/// Entries, a key, and why ours is right although the description differs. Each must differ, so that none outlives its
/// reason.
pub(super) const ACCEPTED_DIFFERENCES: &[(&[&str], &str, &str)] = &[
    (&["asana"], "cursor_path_in_response", "the snapshot leaves `next_page` out of every answer"),
    (&GOOGLE, "authorization_url", "Google describes no address; the collection adds an older one"),
    (&GOOGLE, "token_url", "Google describes no address; the collection adds an older one"),
    (&["google-service-account"], "token_url", "Google describes no address; the collection adds an older one"),
    (&["google-contacts"], "verification", "the collection writes the two names of `people/me` as one"),
    (&["hubspot"], "verification", "the client leaves the account API out"),
    (&["okta"], "verification", "signing in is another API, which the description leaves out"),
    (&["pipedrive", "pipedrive-api-key"], "has_more_path", "it marks lists of version 1, which take no cursor"),
    (&["pipedrive", "pipedrive-api-key"], "verification", "at a company's host, version 1 lies under /api"),
    (&["slack"], "authorization_url", "the snapshot is older than version 2 of Slack's sign-in"),
    (&["slack"], "verification", "the description says GET; Slack takes every method of its API by POST, too"),
    (&["slack"], "token_url", "the snapshot is older than version 2 of Slack's sign-in"),
    (&["trello", "trello-api-key"], "base_url", "the description is not Trello's own; both hosts answer"),
    (&["xero"], "verification", "the description writes a capital, Xero's documentation does not"),
    (&["xero"], "limit_name_in_request", "the snapshot is older than Xero's page sizes"),
];

const GOOGLE: [&str; 7] =
    ["google", "google-calendar", "google-contacts", "google-docs", "google-drive", "google-mail", "google-sheet"];
