//! Text files that the user names: decoding, and a size limit, because the path may be a wrong file.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::json;

/// Reads a UTF-8 or UTF-16 text file of at most `limit` bytes. A longer file is refused and not read to its end.
pub(super) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let message = format!("it is larger than the limit of {} MiB: is it the right file?", limit >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    match json::body_text(&bytes, None) {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_up_to_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nango.toml");
        let limit = 1 << 20;
        std::fs::write(&path, "x".repeat(limit)).unwrap();
        assert_eq!(read_text(&path, limit as u64).unwrap().len(), limit);
        std::fs::write(&path, "é".repeat(limit)).unwrap();
        let error = read_text(&path, limit as u64).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than the limit of 1 MiB: is it the right file?");
        assert_eq!(read_text(Path::new("none.toml"), 9).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn endless_file_is_refused() {
        assert_eq!(read_text(Path::new("/dev/zero"), 1 << 20).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
