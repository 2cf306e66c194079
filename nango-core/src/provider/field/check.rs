//! Validation of field values: `enum`, `pattern` and `format` of the catalogue.

use url::{Host, Url};

use super::Field;
use crate::{declare::suggest, redact::has_userinfo};

impl Field {
    /// Checks a value against the choices, pattern and format of the field. An empty value is allowed if the field is
    /// not required ([`Self::is_required`]).
    ///
    /// # Errors
    ///
    /// Fails if the value is not allowed. The text states the requirement and does not quote the value.
    pub fn check(&self, value: &str) -> Result<(), String> {
        if value.is_empty() && !self.is_required() {
            return Ok(());
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == value) {
            let near = suggest::nearest(value, self.choices.iter().map(String::as_str));
            let hint = suggest::hint(near);
            return Err(format!("must be one of {}{hint}", suggest::list(self.choices.iter().map(String::as_str))));
        }
        if let Some(pattern) = &self.pattern
            // Invalid patterns are reported by `registry providers check`.
            && self.pattern_matches(value) == Ok(false)
        {
            let text = pattern.text();
            let example = self.example.as_ref().map(|example| format!(", such as `{example}`")).unwrap_or_default();
            return Err(format!("must match the pattern `{text}`{example}"));
        }
        match self.format.as_deref() {
            Some("hostname") if !is_host(value) => {
                Err("must be a host name such as `example.com`, without a scheme and a path".to_owned())
            }
            Some("uri") if !is_url(value) => {
                Err("must be a web address such as `https://example.com`, without user and password".to_owned())
            }
            Some("uuid") if uuid::Uuid::try_parse(value).is_err() => {
                Err("must be a UUID such as `123e4567-e89b-12d3-a456-426614174000`".to_owned())
            }
            Some("email") if !is_email(value) => Err("must be an e-mail address such as `ann@example.com`".to_owned()),
            _ => Ok(()),
        }
    }
}

/// Returns whether a value is a host with an optional port.
fn is_host(value: &str) -> bool {
    let (host, port) = match value.rsplit_once(':') {
        Some((host, port)) if !value.ends_with(']') => (host, Some(port)),
        _ => (value, None),
    };
    let fits = |port: &str| !port.is_empty() && port.parse::<u16>().is_ok();
    !host.is_empty() && Host::parse(host).is_ok() && port.is_none_or(fits)
}

fn is_url(value: &str) -> bool {
    Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && !has_userinfo(&url))
}

fn is_email(value: &str) -> bool {
    let fits = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    value.split_once('@').is_some_and(|(user, host)| fits(user) && fits(host) && !host.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Catalogue;

    fn field(settings: &str) -> Field {
        let yaml = format!(
            "acme:\n  auth_mode: NONE\n  proxy: {{ base_url: 'https://h.test' }}\n  connection_config:\n    x: {settings}\n"
        );
        Catalogue::parse(&yaml).unwrap().find("acme").unwrap().config[0].clone()
    }

    #[track_caller]
    fn check(settings: &str, fits: &[&str], others: &[&str], expect: &str) {
        let field = field(settings);
        for value in fits {
            assert_eq!(field.check(value), Ok(()), "{value}");
        }
        for value in others {
            let error = field.check(value).unwrap_err();
            assert!(error.starts_with(expect) && (value.len() < 9 || !error.contains(value)), "{value}: {error}");
        }
    }

    #[test]
    fn value_fits_choices_pattern_and_format() {
        check("{ enum: [com, eu] }", &["com", "eu"], &["evil.example", ""], "must be one of `com` and `eu`");
        check(
            "{ pattern: '^[a-z]+$', example: shop }",
            &["abc"],
            &["a.b", "A"],
            "must match the pattern `^[a-z]+$`, such as `shop`",
        );
        let hosts = ["example.com", "127.0.0.1", "[::1]", "h.test:8443", "[::1]:80", "münchen.example"];
        let others = ["https://h.test", "h.test/x", "u@h.test", "h.test:port", "h.test:", ":80", "a b"];
        check("{ format: hostname }", &hosts, &others, "must be a host name");
        let others = ["h.test", "ftp://h.test", "https://u:p@h.test", "https://u@h.test/", "https://"];
        check("{ format: uri }", &["https://h.test/x", "http://127.0.0.1:80"], &others, "must be a web address");
        check("{ format: uuid }", &["123e4567-e89b-12d3-a456-426614174000"], &["x", ""], "must be a UUID");
        check("{ format: email }", &["a@b.test"], &["a@", "@b", "a b@c", "a@b@c"], "must be an e-mail address");
        check("{ format: uuid, optional: true }", &[""], &["x"], "must be a UUID");
        check("{ format: another }", &["anything"], &[], "");
    }
}
