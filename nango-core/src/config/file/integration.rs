//! Parser of `[integrations.…]`: settings of one integration.

use reqwest::header::{HeaderName, HeaderValue};
use toml::de::DeTable;

use super::{addresses, entries::entries, reader::Reader};
use crate::config::{ConfigError, IntegrationConfig};

impl Reader<'_> {
    pub(super) fn integration(&self, path: &str, table: &DeTable<'_>) -> Result<IntegrationConfig, ConfigError> {
        let mut settings = IntegrationConfig::default();
        for (key, at, value) in entries(table) {
            let full = format!("{path}.{key}");
            match key {
                "provider" => settings.provider = Some(self.string_of(&full, at, value)?),
                "base_url" => {
                    let text = self.string_of(&full, at, value)?;
                    addresses::check_base_url(&text).map_err(|expected| self.value_error(at, &full, expected))?;
                    settings.base_url = Some(text);
                }
                "headers" => {
                    let headers = self.table_of(&full, at, value)?;
                    for (name, at, _) in entries(headers) {
                        if HeaderName::from_bytes(name.as_bytes()).is_err() {
                            let expected = "is not a valid header name: use letters, digits and dashes";
                            return Err(self.value_error(at, &format!("{full}.{name}"), expected));
                        }
                    }
                    settings.headers = self.string_map(&full, headers)?;
                    if let Some((name, _)) = settings.headers.iter().find(|(_, v)| HeaderValue::from_str(v).is_err()) {
                        let expected = "cannot be sent in a header: it has a line break or another control character";
                        return Err(self.value_error(at, &format!("{full}.{name}"), expected));
                    }
                }
                "client_id" => settings.client_id = Some(self.string_of(&full, at, value)?),
                "scopes" => settings.scopes = self.string_list_of(&full, at, value)?,
                "trusted_origins" => {
                    settings.trusted_origins = self.string_list_of(&full, at, value)?;
                    for origin in &settings.trusted_origins {
                        addresses::check_origin(origin).map_err(|expected| self.value_error(at, &full, expected))?;
                    }
                }
                "token_hosts" => {
                    settings.token_hosts = self.host_patterns(&full, at, value)?;
                    if let Some(wide) = settings.token_hosts.iter().find(|rule| rule.matches_all()) {
                        let expected = format!("must name hosts; `{wide}` matches every host");
                        return Err(self.value_error(at, &full, expected));
                    }
                }
                _ => {
                    let known =
                        ["provider", "base_url", "headers", "client_id", "scopes", "trusted_origins", "token_hosts"];
                    return Err(self.unknown_key(at, key, Some(path), &known));
                }
            }
        }
        Ok(settings)
    }
}
