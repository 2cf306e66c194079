//! Encoding of `multipart/form-data` (RFC 7578).
//!
//! The HTTP library has an encoder with random boundaries. This one derives the boundary from the parts: equal parts
//! become equal bytes, so that a request that is resent, or compared with a recorded one, is identical.

use std::fmt;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3Default;

/// A field or a file of a form.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    name: String,
    file_name: Option<String>,
    content_type: Option<String>,
    bytes: Bytes,
}

impl Part {
    /// Creates a text field of a form.
    pub fn text(name: impl Into<String>, value: impl fmt::Display) -> Self {
        Self { name: name.into(), file_name: None, content_type: None, bytes: value.to_string().into() }
    }

    /// Creates a file of a form.
    pub fn file(
        name: impl Into<String>,
        file_name: impl Into<String>,
        content_type: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        Self {
            name: name.into(),
            file_name: Some(file_name.into()),
            content_type: Some(content_type.into()),
            bytes: bytes.into(),
        }
    }

    fn head(&self) -> String {
        let file = self.file_name.as_ref().map(|name| format!("; filename=\"{}\"", quotable(name)));
        // A line break in the content type would begin another header.
        let content_type = self.content_type.as_ref().map(|content_type| content_type.replace(['\r', '\n'], " "));
        let content_type = content_type.map(|content_type| format!("\r\ncontent-type: {content_type}"));
        let name = quotable(&self.name);
        let (file, content_type) = (file.unwrap_or_default(), content_type.unwrap_or_default());
        format!("content-disposition: form-data; name=\"{name}\"{file}{content_type}\r\n\r\n")
    }
}

/// Parts may contain secrets or personal data, so only name and size are shown.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({:?}, {} bytes)", self.name, self.bytes.len())
    }
}

/// Escapes a name for a quoted string, as browsers do.
fn quotable(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// Encodes the parts; returns the bytes and their content type.
pub(super) fn encode(parts: &[Part]) -> (Bytes, String) {
    let heads: Vec<String> = parts.iter().map(Part::head).collect();
    let boundary = boundary(parts, &heads);
    let size: usize = parts.iter().zip(&heads).map(|(part, head)| part.bytes.len() + head.len() + 64).sum();
    let mut whole = Vec::with_capacity(size + 64);
    for (part, head) in parts.iter().zip(&heads) {
        for piece in ["--", &boundary, "\r\n", head] {
            whole.extend_from_slice(piece.as_bytes());
        }
        whole.extend_from_slice(&part.bytes);
        whole.extend_from_slice(b"\r\n");
    }
    for piece in ["--", &boundary, "--\r\n"] {
        whole.extend_from_slice(piece.as_bytes());
    }
    (whole.into(), format!("multipart/form-data; boundary={boundary}"))
}

/// Returns a boundary that occurs in no part and is the same for the same parts.
fn boundary(parts: &[Part], heads: &[String]) -> String {
    let mut hash = Xxh3Default::new();
    for (part, head) in parts.iter().zip(heads) {
        hash.update(head.as_bytes());
        hash.update(&part.bytes);
    }
    let mut number = hash.digest128();
    loop {
        let boundary = format!("nango-{number:032x}");
        let found = |bytes: &[u8]| memchr::memmem::find(bytes, boundary.as_bytes()).is_some();
        if !parts.iter().any(|part| found(&part.bytes)) {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipart_encodes_fields_and_files() {
        let parts = [Part::text("a\"b", 7), Part::file("f", "x\r\n.txt", "text/plain\r\nevil: 1", "hello")];
        let (bytes, content_type) = encode(&parts);
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expect = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"a%22b\"\r\n\r\n7\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"f\"; filename=\"x%0D%0A.txt\"\r\n\
             content-type: text/plain  evil: 1\r\n\r\nhello\r\n--{boundary}--\r\n"
        );
        assert_eq!(bytes, expect);
        assert_eq!(encode(&parts), (bytes, content_type.clone()));
        assert_ne!(encode(&parts[1..]).1, content_type);
    }

    #[test]
    fn boundary_occurs_in_no_part() {
        // A form that contains its own previous boundary gets a different one.
        let mut part = Part::text("a", "");
        for _ in 0..3 {
            let (bytes, content_type) = encode(std::slice::from_ref(&part));
            let boundary = content_type.rsplit('=').next().unwrap();
            assert_eq!(memchr::memmem::find_iter(&bytes, boundary).count(), 2);
            part = Part::text("a", boundary);
        }
    }
}
