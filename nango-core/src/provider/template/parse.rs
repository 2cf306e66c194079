//! Template parser: converts a text into alternatives of literal texts, variables and function calls.

use super::{Function, Part, TemplateError, Variable};

/// Maximum nesting of calls. APIs use at most three levels.
const MAX_DEPTH: usize = 8;

/// Parses the alternatives of a template.
pub(super) fn alternatives(text: &str) -> Result<Vec<Vec<Part>>, TemplateError> {
    // A text without values has no alternatives, so `||` is literal.
    if !text.contains("${") {
        return Ok(vec![literal(text)]);
    }
    let mut reader = Reader { text, rest: text };
    let mut alternatives = Vec::new();
    loop {
        let (parts, end) = reader.parts(Until::Alternative, 0)?;
        alternatives.push(trimmed(parts));
        if end == End::Text {
            return Ok(alternatives);
        }
    }
}

/// Parses a text without alternatives.
pub(super) fn without_alternatives(text: &str) -> Result<Vec<Part>, TemplateError> {
    Reader { text, rest: text }.parts(Until::Text, 0).map(|(parts, _)| parts)
}

fn literal(text: &str) -> Vec<Part> {
    if text.is_empty() { Vec::new() } else { vec![Part::Text(text.to_owned())] }
}

/// Removes the spaces around an alternative or argument.
fn trimmed(mut parts: Vec<Part>) -> Vec<Part> {
    if let Some(Part::Text(first)) = parts.first_mut() {
        first.drain(..first.len() - first.trim_start().len());
    }
    if let Some(Part::Text(last)) = parts.last_mut() {
        last.truncate(last.trim_end().len());
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    parts
}

/// Delimiters that end a sequence of parts, in addition to the end of the text.
#[derive(Clone, Copy, PartialEq)]
enum Until {
    Text,
    Alternative,
    Argument { commas: bool },
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Text,
    Alternative,
    Comma,
    Call,
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    /// Parses parts up to and including a delimiter.
    fn parts(&mut self, until: Until, depth: usize) -> Result<(Vec<Part>, End), TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let end = loop {
            if let Some(after) = self.rest.strip_prefix("${") {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                self.rest = after;
                parts.push(self.value(depth)?);
                continue;
            }
            let ends = [
                ("||", End::Alternative, until == Until::Alternative),
                (")}", End::Call, matches!(until, Until::Argument { .. })),
                (",", End::Comma, until == Until::Argument { commas: true }),
            ];
            if let Some((mark, end, _)) = ends.iter().find(|(mark, _, here)| *here && self.rest.starts_with(mark)) {
                self.rest = &self.rest[mark.len()..];
                break *end;
            }
            let mut letters = self.rest.chars();
            let Some(letter) = letters.next() else { break End::Text };
            plain.push(letter);
            self.rest = letters.as_str();
        };
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok((parts, end))
    }

    /// Parses the text after `${`, up to and including its `}`.
    fn value(&mut self, depth: usize) -> Result<Part, TemplateError> {
        if depth == MAX_DEPTH {
            return Err(TemplateError::TooDeep(self.text.to_owned()));
        }
        let unclosed = || TemplateError::Unclosed(self.text.to_owned());
        let end = self.rest.find(['}', '(']).ok_or_else(unclosed)?;
        let (name, after) = self.rest.split_at(end);
        let name = name.trim();
        if let Some(arguments) = after.strip_prefix('(') {
            self.rest = arguments;
            return self.call(name, depth);
        }
        self.rest = &after[1..];
        Variable::parse(name)
            .map(Part::Value)
            .ok_or_else(|| TemplateError::Unknown { text: self.text.to_owned(), name: name.to_owned() })
    }

    fn call(&mut self, name: &str, depth: usize) -> Result<Part, TemplateError> {
        let text = || self.text.to_owned();
        let function =
            Function::parse(name).ok_or_else(|| TemplateError::Function { text: text(), name: name.to_owned() })?;
        // A single argument may contain commas.
        let commas = function.max_arguments() > 1;
        let mut arguments = Vec::new();
        loop {
            let (parts, end) = self.parts(Until::Argument { commas }, depth + 1)?;
            arguments.push(parts);
            match end {
                End::Comma => {}
                End::Call => break,
                End::Text | End::Alternative => return Err(TemplateError::Unclosed(self.text.to_owned())),
            }
        }
        // A message may contain commas: the key follows the last one.
        while function.joins_extra_arguments() && arguments.len() > function.max_arguments() {
            let tail = arguments.remove(1);
            if let Some(first) = arguments.first_mut() {
                first.push(Part::Text(",".to_owned()));
                first.extend(tail);
            }
        }
        if !(function.min_arguments()..=function.max_arguments()).contains(&arguments.len()) {
            return Err(TemplateError::Arguments { text: self.text.to_owned(), function });
        }
        // Spaces around a comma are ignored; a single argument is used unchanged.
        if commas {
            arguments = arguments.into_iter().map(trimmed).collect();
        }
        Ok(Part::Call(function, arguments))
    }
}

#[cfg(test)]
mod tests {
    use crate::provider::Template;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&[&str], &str>) {
        let got = text.parse::<Template>().map(|template| template.variables().map(ToString::to_string).collect());
        let expect = expect.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(got.map_err(|error| error.to_string()), expect.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn template_values_are_parsed() {
        check("plain || text", Ok(&[]));
        check("https://${connectionConfig.sub-domain}.h.test", Ok(&["connectionConfig.sub-domain"]));
        check("Bearer ${apiKey}", Ok(&["apiKey"]));
        check("${credentials.a.b}:${ password }", Ok(&["a.b", "password"]));
        check("${connectionConfig.a} || ${connectionConfig.b}", Ok(&["connectionConfig.a", "connectionConfig.b"]));
        check("${step2.a.b}${assertionOption.key}", Ok(&["step2.a.b", "assertionOption.key"]));
        check("${accessToken}${token}${refresh_token}", Ok(&["accessToken", "token", "refresh_token"]));
        check("${random}${now}${now:X}${now+1:minutes:X}", Ok(&["random", "now", "now:X", "now+1:minutes:X"]));
        check("${bodyCanonicalParams}", Ok(&["bodyCanonicalParams"]));
    }

    #[test]
    fn function_arguments_may_contain_values() {
        check("Basic ${base64(${username}/token:${password})}", Ok(&["username", "password"]));
        check("${sha256Hex(${base64(${random}, (${endpoint}))})}", Ok(&["random", "endpoint"]));
        check(
            "${hmacSha1Hex(${now:ddd, DD}\n(a, b);${path}, ${credentials.key})}:",
            Ok(&["now:ddd, DD", "path", "key"]),
        );
        check("${awsSigV4(${username}, ${password}, eu-north-1, iam)} || none", Ok(&["username", "password"]));
        let needs = |text: &str| text.parse::<Template>().unwrap().needs_request();
        assert!(needs("${awsSigV4(a, b, c, d, e)}") && needs("${base64(${host})}") && !needs("${base64(${now})}"));
        assert!("${now}".parse::<Template>().unwrap().varies_per_request());
        assert!(!"${apiKey}".parse::<Template>().unwrap().varies_per_request());
    }

    #[test]
    fn template_error_names_its_cause() {
        check("a${b", Err("`a${b` opens a `${` that is not closed"));
        check("${base64(${apiKey}", Err("`${base64(${apiKey}` opens a `${` that is not closed"));
        check(
            "x ${apikey}",
            Err("`${apikey}` in `x ${apikey}` is not known: write `connectionConfig.NAME`, `credentials.NAME`, or a \
                 short name such as `apiKey` or `accessToken` (did you mean `apiKey`?)"),
        );
        check(
            "${base46(x)}",
            Err("unknown function `base46(…)` in `${base46(x)}`; available: `base64`, `sha256Hex`, `sha256Base64`, \
                 `hmacSha1Hex`, `ed25519Sign`, `fingerprint` and `awsSigV4`; did you mean `base64`?"),
        );
        check(
            "${hmacSha1Hex(x)}",
            Err("`hmacSha1Hex` in `${hmacSha1Hex(x)}` has the wrong number of arguments; usage: \
                 `hmacSha1Hex(text, key)`"),
        );
        for wrong in ["${connectionConfig.}", "${step0.x}", "${step1}", "${nowX}", "${now:}", "${now+x:days}"] {
            assert!(wrong.parse::<Template>().is_err(), "{wrong}");
        }
        let deep = "${base64(".repeat(40) + &")}".repeat(40);
        assert!(deep.parse::<Template>().unwrap_err().to_string().ends_with("too deeply"));
    }

    #[test]
    fn pipes_are_literal_without_alternatives() {
        let template = Template::without_alternatives("${credentials.a}||${credentials.b}").unwrap();
        assert_eq!(template.required_variables().count(), 2);
        assert_eq!("${credentials.a}||${credentials.b}".parse::<Template>().unwrap().required_variables().count(), 1);
    }

    proptest! {
        #[test]
        fn template_of_any_text_never_panics(text in "[a-z0-9$\\{\\}()|:,+ .]{0,40}|(\\$\\{|\\)\\}|base64\\(|now[+:]|awsSigV4\\(|,|x|ä){0,20}|.*") {
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(template.as_str(), text);
            }
        }
    }
}
