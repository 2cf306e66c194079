//! Search for secrets in outputs and files, in every encoding.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

/// Returns the mark and the encoding in which a secret was found.
pub(super) fn find_leak(marks: &[String], bytes: &[u8]) -> Option<String> {
    let contains = |form: &str| memchr::memmem::find(bytes, form.as_bytes()).is_some();
    marks.iter().find_map(|mark| {
        let unicode = mark.encode_utf16().fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"));
        let escaped = [unicode.replace('\\', "\\\\"), unicode];
        // The base64 characters that depend on the mark only, for each of the three alignments.
        let base64 = (0..3).map(|offset| {
            let text = STANDARD_NO_PAD.encode([vec![0; offset], mark.as_bytes().to_vec()].concat());
            text[(offset * 8_usize).div_ceil(6)..(offset + mark.len()) * 8 / 6].to_owned()
        });
        let forms = std::iter::once(mark.clone()).chain(base64).chain(escaped);
        forms.into_iter().find(|form| contains(form)).map(|form| format!("{mark} as {form}"))
    })
}

/// Returns all files in a directory, recursively, including those that the product should not write.
pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Returns the mark of a secret: the letters and digits at its beginning.
pub(super) fn mark(secret: &str) -> String {
    secret.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// Checks the search itself: a secret is found in every encoding.
#[test]
fn leak_search_finds_secret_in_every_encoding() {
    let mut secrets_gen = super::cases::SecretGenerator::default();
    let secret = secrets_gen.secret();
    for form in nango_tests::echo::encoded_forms(&secret) {
        assert!(find_leak(&secrets_gen.0, format!("x {form} y").as_bytes()).is_some(), "{form}");
    }
    assert_eq!(find_leak(&secrets_gen.0, b"nothing"), None);
}
