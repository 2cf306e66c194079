//! Conversions of the errors of layers.

use super::lines_of_core;

/// Errors without a conversion of their own: most are only causes of others or results of parsers. The kind of a
/// `DecodeError` and a `PathError` depends on what is decoded, and `cli` reports those of the catalogue, the
/// configuration and the registry itself.
const ERRORS_WITHOUT_CONVERSION: [&str; 29] = [
    "AuthenticationError",
    "CatalogueError",
    "CodingError",
    "ConfigError",
    "DecodeError",
    "EgressDenied",
    "EndpointError",
    "ExportError",
    "IdError",
    "InvalidApiKey",
    "InvalidPattern",
    "InvalidStatusRange",
    "InvalidWaitFormat",
    "KeyFileError",
    "LinkError",
    "LoadError",
    "OverrideError",
    "ParseHostPatternError",
    "PathError",
    "Rejection",
    "ResolvedUrlError",
    "ServeError",
    "SetupError",
    "SignError",
    "TemplateError",
    "TransportError",
    "UnknownAuthMode",
    "UnknownScope",
    "UntrustedFile",
];

#[test]
fn every_error_of_a_layer_registers_its_conversion() {
    let lines = lines_of_core();
    let registered: Vec<&str> = lines
        .iter()
        .filter_map(|(_, _, line)| line.strip_prefix("register_layer_error!(")?.strip_suffix(");"))
        .collect();
    let mut derived = false;
    let mut missing = Vec::new();
    for (path, number, line) in &lines {
        derived |= line.starts_with("#[derive(") && line.contains("thiserror::Error");
        let Some((_, name)) = line.split_once("struct ").or_else(|| line.split_once("enum ")) else { continue };
        let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        if std::mem::take(&mut derived) && !registered.contains(&name) && !ERRORS_WITHOUT_CONVERSION.contains(&name) {
            missing.push(format!("nango-core/src/{path}:{number}: {name}"));
        }
    }
    assert!(
        missing.is_empty(),
        "an error type needs `into_error` and `register_layer_error!`:\n{}",
        missing.join("\n")
    );
}
