//! The file format of the catalogue: Nango's, of which this reads what is used so far.
//!
//! One key is ours: `accepts`, the kinds of credentials that an entry takes. Without it they follow from `auth_mode`:
//! whatever obtains a token ends as a bearer token.

use std::{borrow::Cow, collections::BTreeMap};

use reqwest::header::HeaderName;
use serde::{Deserialize, de::Error as _};

use super::{AuthMode, Provider, Proxy, Template, TokenSettings};
use crate::declare::{OffsetBy, Paginate, PaginateKind};

/// An entry as it is written. What is not listed is passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    display_name: String,
    auth_mode: String,
    accepts: Option<Vec<ModeName>>,
    proxy: ProxyEntry,
}

#[derive(Debug, Deserialize)]
struct ProxyEntry {
    base_url: Text,
    #[serde(default)]
    headers: BTreeMap<String, Text>,
    #[serde(default)]
    query: BTreeMap<String, Text>,
    paginate: Option<PaginateEntry>,
}

#[derive(Debug, Deserialize)]
struct PaginateEntry {
    #[serde(rename = "type")]
    kind: String,
    limit: Option<u32>,
    limit_name_in_request: Option<String>,
    response_path: Option<String>,
    in_body: Option<bool>,
    link_rel_in_response_header: Option<String>,
    link_path_in_response_body: Option<String>,
    cursor_name_in_request: Option<String>,
    cursor_path_in_response: Option<String>,
    offset_name_in_request: Option<String>,
    offset_start_value: Option<u64>,
    offset_calculation_method: Option<String>,
}

/// A template, checked where it is read so that the error has its line.
#[derive(Debug)]
struct Text(Template);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source)?.parse().map(Self).map_err(D::Error::custom)
    }
}

#[derive(Debug)]
struct ModeName(AuthMode);

impl<'de> Deserialize<'de> for ModeName {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source)?.parse().map(Self).map_err(D::Error::custom)
    }
}

impl Entry {
    /// The provider, or what is wrong with its entry.
    pub(super) fn into_provider(self, name: String) -> Result<Provider, String> {
        let auth = match self.accepts {
            Some(modes) => modes.into_iter().map(|mode| mode.0).collect(),
            None => vec![match self.auth_mode.as_str() {
                "NONE" => AuthMode::None,
                "API_KEY" => AuthMode::ApiKey,
                "BASIC" => AuthMode::Basic,
                _ => AuthMode::Bearer,
            }],
        };
        let headers = self.proxy.headers.into_iter().map(|(header, value)| {
            let name = header.parse::<HeaderName>().map_err(|_| format!("`{header}` is no name of a header"))?;
            Ok((name, value.0))
        });
        Ok(Provider {
            name,
            display_name: self.display_name,
            auth,
            token: TokenSettings::default(),
            credentials: Vec::new(),
            config: Vec::new(),
            proxy: Proxy {
                base_url: self.proxy.base_url.0,
                headers: headers.collect::<Result<_, String>>()?,
                body: Vec::new(),
                query: self.proxy.query.into_iter().map(|(name, value)| (name, value.0)).collect(),
                paginate: self.proxy.paginate.map(PaginateEntry::read).transpose()?,
            },
        })
    }
}

impl PaginateEntry {
    fn read(self) -> Result<Paginate, String> {
        let need = |value: Option<String>, key: &str| {
            value.map(Cow::Owned).ok_or_else(|| format!("`paginate` of type {} needs `{key}`", self.kind))
        };
        let kind = match self.kind.as_str() {
            "link" => {
                let rel = self.link_rel_in_response_header.map(Cow::Owned);
                let path = self.link_path_in_response_body.map(Cow::Owned);
                if rel.is_none() && path.is_none() {
                    let keys = "`link_rel_in_response_header` or `link_path_in_response_body`";
                    return Err(format!("`paginate` of type link needs {keys}"));
                }
                PaginateKind::Link { rel, path }
            }
            "cursor" => PaginateKind::Cursor {
                name: need(self.cursor_name_in_request, "cursor_name_in_request")?,
                path: need(self.cursor_path_in_response, "cursor_path_in_response")?,
            },
            "offset" => PaginateKind::Offset {
                name: need(self.offset_name_in_request, "offset_name_in_request")?,
                start: self.offset_start_value.unwrap_or(0),
                by: match self.offset_calculation_method.as_deref() {
                    None | Some("by-response-size") => OffsetBy::Records,
                    Some("per-page") => OffsetBy::Page,
                    Some(other) => {
                        return Err(format!(
                            "`offset_calculation_method: {other}` is not known: write `by-response-size` or `per-page`"
                        ));
                    }
                },
            },
            other => {
                return Err(format!("`paginate` of type {other} is not known: write `link`, `cursor` or `offset`"));
            }
        };
        Ok(Paginate {
            kind: Some(kind),
            limit: self.limit,
            limit_name: self.limit_name_in_request.map(Cow::Owned),
            response_path: self.response_path.map(Cow::Owned),
            in_body: self.in_body,
        })
    }
}
