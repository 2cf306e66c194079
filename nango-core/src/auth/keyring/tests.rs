use super::*;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER: &str = "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=";

#[test]
fn sealed_blob_opens_only_unchanged_and_in_its_context() {
    let ring = KeyRing::from_key(KEY).unwrap();
    let blob = ring.seal(b"hush", b"row 1").unwrap();
    assert_ne!(blob, ring.seal(b"hush", b"row 1").unwrap());
    assert_eq!(ring.open(&blob, b"row 1").unwrap().as_slice(), b"hush");
    assert!(matches!(ring.open(&blob, b"row 2"), Err(KeyError::Damaged)));
    for length in 0..blob.len() {
        assert!(matches!(ring.open(&blob[..length], b"row 1"), Err(KeyError::Damaged)));
    }
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        assert!(ring.open(&changed, b"row 1").is_err(), "{at}");
    }
}

#[test]
fn wrong_key_error_names_the_needed_key() {
    let blob = KeyRing::from_key(KEY).unwrap().seal(b"hush", b"").unwrap();
    let other = KeyRing::ephemeral().unwrap();
    let error = other.open(&blob, b"").unwrap_err();
    let needed = KeyRing::from_key(KEY).unwrap().id().unwrap();
    let KeyError::WrongKey { needed: named, have, .. } = &error else { panic!("{error}") };
    assert_eq!((named, have), (&needed, &other.id().unwrap()));
    assert!(error.to_string().contains(&needed) && !format!("{error} {other:?}").contains("AAEC"));
    let mut newer = blob;
    newer[0] = 2;
    assert!(matches!(other.open(&newer, b""), Err(KeyError::UnsupportedVersion(2))));
}

#[test]
fn key_must_have_32_bytes() {
    for (text, problem) in [("AAEC", "it has 3 bytes"), ("hush!", "it is not base64"), (" ,\n", "no key found")] {
        let error = KeyRing::from_key(text).unwrap_err();
        assert!(matches!(&error, KeyError::InvalidKey(found) if found == problem), "{error}");
    }
    assert!(KeyRing::from_key(&format!(" {KEY}\n")).is_ok());
    let twice = KeyRing::from_key(&format!("{KEY},{OTHER},{KEY}")).unwrap_err().to_string();
    assert!(twice.contains("is repeated") && !twice.contains("AAEC"), "{twice}");
}

#[test]
fn every_key_opens_and_the_active_one_seals() {
    let old = KeyRing::from_key(KEY).unwrap();
    let both = KeyRing::from_key(&format!("{KEY}, {OTHER}")).unwrap();
    let new = KeyRing::from_key(OTHER).unwrap();
    let (first, last) = (both.ids()[0], both.ids()[1]);
    assert_eq!(old.open(&both.seal(b"hush", b"x").unwrap(), b"x").unwrap().as_slice(), b"hush");
    both.clone().activate(last);
    let blob = both.seal(b"hush", b"x").unwrap();
    assert_eq!(both.sealed_with(&blob), Some(last));
    assert_eq!(new.open(&blob, b"x").unwrap().as_slice(), b"hush");
    assert!(matches!(old.open(&blob, b"x"), Err(KeyError::WrongKey { .. })));
    old.activate(last);
    assert_eq!(old.id(), Some(first.to_string()));

    let resealed = both.reseal(&blob, b"x", first).unwrap();
    assert_eq!(old.open(&resealed, b"x").unwrap().as_slice(), b"hush");
    assert_eq!(both.reseal(&blob, b"y", first), None);
    assert_eq!(new.reseal(&blob, b"x", first), None);
    assert_eq!(both.sealed_with(b"sealed\0"), None);
    assert_eq!(both.payload_secret(first), old.payload_secret(first));
    assert_ne!(both.payload_secret(first), both.payload_secret(last));
    assert_eq!(old.payload_secret(last), None);
}

#[test]
fn key_file_is_created_when_something_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nango.key");
    let ring = KeyRing::from_file_if_exists(&path).unwrap();
    let blob = KeyRing::from_key(KEY).unwrap().seal(b"hush", b"x").unwrap();
    assert!(matches!(ring.open(&blob, b"x"), Err(KeyError::WrongKey { have, other_file: None, .. }) if have == "none"));
    assert_eq!((ring.ids(), ring.id(), path.exists()), (Vec::new(), None, false));
    // Another process creates the file first: its key is used.
    let other = KeyRing::from_file_if_exists(&path).unwrap();
    let sealed = other.seal(b"hush", b"x").unwrap();
    assert!(path.exists() && !other.create_missing().unwrap());
    assert_eq!(ring.open(&ring.seal(b"hush", b"x").unwrap(), b"x").unwrap().as_slice(), b"hush");
    assert_eq!(ring.open(&sealed, b"x").unwrap().as_slice(), b"hush");
    assert_eq!(ring.ids(), other.ids());
}

#[test]
fn key_file_that_would_be_lost_is_not_created_but_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nango.key");
    let lost = LostFolder::new(folder.path(), "overlay");
    let ring = || KeyRing::from_file_if_exists(&path).unwrap().refuse_creation(Some(lost.clone()));
    let early = ring();
    for refused in [early.create_missing().unwrap_err(), early.seal(b"hush", b"x").unwrap_err()] {
        let text = crate::error::Chain(&refused).to_string();
        assert!(text.contains("is on the container's own layer (overlay)") && text.contains("NANGO_ENCRYPTION_KEY"));
    }
    assert!(!path.exists());
    // A key that was mounted or restored is used.
    let (kept, _) = KeyRing::from_file(&path).unwrap();
    let sealed = kept.seal(b"hush", b"x").unwrap();
    for ring in [early, ring()] {
        ring.create_missing().unwrap();
        assert_eq!(ring.open(&sealed, b"x").unwrap().as_slice(), b"hush");
    }
}

#[test]
fn wrong_key_error_names_the_file_beside_that_contains_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let (old, _) = KeyRing::from_file(&folder.path().join("nango.db.key")).unwrap();
    let (new, _) = KeyRing::from_file(&folder.path().join("nango.key")).unwrap();
    let error = new.open(&old.seal(b"hush", b"x").unwrap(), b"x").unwrap_err().to_string();
    assert!(error.contains("nango.db.key contains it"), "{error}");
}
