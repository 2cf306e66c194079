//! Entries with the descriptions that cover them, and accepted differences.

/// Entry name, and the names in `sources.json` of the descriptions that cover it.
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

/// Entries with a base address that their description does not have.
pub(super) const GATEWAYS: &[(&[&str], &str)] =
    &[(&["jira", "jira-oauth"], "https://api.atlassian.com/ex/jira/${connectionConfig.cloudId}")];

/// Entries, a key, and the reason why the entry is right although the description differs. The test fails if there is
/// no difference any more.
pub(super) const ACCEPTED_DIFFERENCES: &[(&[&str], &str, &str)] = &[
    (&["asana"], "cursor_path_in_response", "the snapshot omits `next_page` in every response"),
    (&GOOGLE, "authorization_url", "Google describes no address; the collection adds an older one"),
    (&GOOGLE, "token_url", "Google describes no address; the collection adds an older one"),
    (&["google-service-account"], "token_url", "Google describes no address; the collection adds an older one"),
    (&["google-contacts"], "verification", "the collection writes the two names of `people/me` as one"),
    (&["hubspot"], "verification", "the client does not cover the account API"),
    (&["okta"], "verification", "sign-in is a separate API, which the description does not cover"),
    (
        &["pipedrive", "pipedrive-api-key"],
        "has_more_path",
        "only lists of version 1 have it, and they accept no cursor",
    ),
    (&["pipedrive", "pipedrive-api-key"], "verification", "on a company's host, version 1 is under /api"),
    (&["slack"], "authorization_url", "the snapshot is older than version 2 of Slack's sign-in"),
    (&["slack"], "verification", "the description has GET; Slack accepts POST for every method of its API"),
    (&["slack"], "token_url", "the snapshot is older than version 2 of Slack's sign-in"),
    (&["trello", "trello-api-key"], "base_url", "the description is not Trello's own; both hosts respond"),
    (&["xero"], "verification", "the description has a capital letter, Xero's documentation has none"),
    (&["xero"], "limit_name_in_request", "the snapshot is older than Xero's page sizes"),
];

const GOOGLE: [&str; 7] =
    ["google", "google-calendar", "google-contacts", "google-docs", "google-drive", "google-mail", "google-sheet"];
