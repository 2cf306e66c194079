//! Reviewed differences from the other catalogue.

/// Entry name and path of the fact. Reasons: another host or version of the API that is documented as well (the base
/// URLs, the sign-in of `discord`, the tokens of `bamboohr-oauth`), another request that verifies credentials as well
/// (the verifications), and facts for which a public source confirms our value (the rest;
/// `provider/builtin/tests/decisions.rs` asserts them).
pub(super) const REVIEWED: [(&str, &str); 31] = [
    ("bamboohr", "proxy.base_url"),
    ("bamboohr-oauth", "proxy.base_url"),
    ("bamboohr-oauth", "token_url"),
    ("confluence", "proxy.verification.endpoints"),
    ("confluence-oauth", "proxy.base_url"),
    ("discord", "authorization_url"),
    ("docusign", "proxy.base_url"),
    ("freshdesk", "proxy.verification.endpoints"),
    ("google-calendar", "proxy.paginate.limit_name_in_request"),
    ("google-drive", "proxy.paginate.limit_name_in_request"),
    ("google-drive", "proxy.paginate.response_path"),
    ("greenhouse", "token_url"),
    ("hubspot", "token_url"),
    ("jira-oauth", "proxy.base_url"),
    ("jira-oauth", "proxy.paginate.limit_name_in_request"),
    ("jira-oauth", "proxy.paginate.response_path"),
    ("monday", "token_url"),
    ("netsuite", "proxy.base_url"),
    ("netsuite-tba", "proxy.base_url"),
    ("pagerduty", "authorization_url"),
    ("pagerduty", "token_url"),
    ("paypal", "token_url"),
    ("private-api-basic", "proxy.base_url"),
    ("private-api-bearer", "proxy.base_url"),
    ("shopify-api-key", "proxy.verification.endpoints"),
    ("shopify-api-key", "proxy.verification.method"),
    ("twilio", "proxy.verification.endpoints"),
    ("zendesk", "proxy.paginate.limit_name_in_request"),
    ("zendesk", "proxy.paginate.link_path_in_response_body"),
    ("zendesk-api-key", "proxy.verification.endpoints"),
    ("zoom-cc", "proxy.base_url"),
];
