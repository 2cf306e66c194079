use super::*;
use crate::provider::sign::{
    hex,
    vectors::{EC, ED25519, RSA},
};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};

/// Returns the public key in the format of `ring`: the end of a `SubjectPublicKeyInfo`.
fn public(key: &PrivateKey, length: usize) -> Vec<u8> {
    let info = key.key.public_key().unwrap();
    info.as_ref()[info.as_ref().len() - length..].to_vec()
}

#[test]
fn ed25519_signature_matches_rfc_8032() {
    let signature = PrivateKey::from_pem(ED25519).unwrap().ed25519(b"").unwrap();
    let expect = "\
        e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25b\
        f5f0595bbe24655141438e7a100b";
    assert_eq!(hex(&signature), expect);
}

#[test]
fn rs256_signature_matches_rfc_7515() {
    let message = "\
        eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19\
        yb290Ijp0cnVlfQ";
    let expect = "\
        cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9\
        uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB\
        _eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq\
        Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let key = PrivateKey::from_pem(RSA).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(key.rs256(message.as_bytes()).unwrap()), expect);
    // Computed with `openssl pkey -pubout -outform DER | sha256sum`.
    let expect = "6fd13c2435a361e7c588cd17f55f5ad3df0177a66c1727a6a200845f4d7ab88c";
    assert_eq!(hex(&key.fingerprint().unwrap()), expect);
}

#[test]
fn signatures_with_a_random_part_verify() {
    let rsa = PrivateKey::from_pem(RSA).unwrap();
    let public_rsa = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public(&rsa, 270));
    public_rsa.verify(b"text", &rsa.ps256(b"text").unwrap()).unwrap();
    let ec = PrivateKey::from_pem(EC).unwrap();
    let public_ec = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public(&ec, 65));
    for text in (0..200_u8).map(|n| [n]) {
        let signature = ec.es256(&text).unwrap();
        assert_eq!(signature.len(), 64);
        public_ec.verify(&text, &signature).unwrap();
    }
}

#[test]
fn private_key_is_accepted_in_pasted_forms() {
    let expect = PrivateKey::from_pem(RSA).unwrap().fingerprint().unwrap();
    let same = |text: String| assert_eq!(PrivateKey::from_pem(&text).unwrap().fingerprint(), Ok(expect), "{text}");
    same(RSA.replace('\n', "\\n"));
    same(RSA.replace('\n', " "));
    same(RSA.replace('\n', "\r\n"));
    same(format!("  {RSA}\n\n"));
    same(STANDARD.encode(RSA));
}

#[test]
fn invalid_private_key_is_refused() {
    for wrong in ["", "hush", "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----", &EC[..90]] {
        let error = PrivateKey::from_pem(wrong).unwrap_err();
        assert_eq!(error, SignError::InvalidKey);
        assert!(!error.to_string().contains("hush"));
    }
    let sealed = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIC\n-----END ENCRYPTED PRIVATE KEY-----";
    assert_eq!(PrivateKey::from_pem(sealed).unwrap_err(), SignError::Encrypted);
    let ec = PrivateKey::from_pem(EC).unwrap();
    assert_eq!(ec.rs256(b""), Err(SignError::WrongKeyType("an RSA key")));
    assert_eq!(ec.ed25519(b""), Err(SignError::WrongKeyType("an Ed25519 key")));
    let rsa = PrivateKey::from_pem(RSA).unwrap();
    assert_eq!(
        rsa.es256(b"").unwrap_err().to_string(),
        "wrong type of private key: a key of the curve P-256 is required"
    );
    assert!(!format!("{rsa:?}").contains("MII"));
}

proptest! {
    #[test]
    fn private_key_of_any_text_never_panics(text in ".{0,80}|-----BEGIN [A-Z ]{0,12}PRIVATE KEY-----[A-Za-z0-9+/= \\\\n]{0,80}-----END PRIVATE KEY-----") {
        let _ = PrivateKey::from_pem(&text);
    }

    #[test]
    fn signature_of_any_text_never_panics(der in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = ecdsa_signature_from_der(&der);
    }
}
