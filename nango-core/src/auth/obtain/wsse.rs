//! WS-Security username tokens (WSSE): short-lived signatures from a user name and a secret.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{ObtainError, ObtainedToken, TokenContext};
use crate::provider::sign;

/// Lifetime of a token whose provider entry sets none.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(5);

/// Returns the username token of WS-Security as a header value.
///
/// # Errors
///
/// Fails if the user name or the password is missing.
pub(super) fn signature(context: &TokenContext<'_>) -> Result<ObtainedToken, ObtainError> {
    let part = |name: &str| {
        context.credentials.text(name).ok_or_else(|| ObtainError::Setup(format!("these credentials have no `{name}`")))
    };
    let (user, secret) = (part("username")?, part("password")?);
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(ObtainError::NoRandomness)?;
    let token = wsse(user, secret, &sign::hex(&nonce), &format!("{:.0}", context.now));
    let lifetime = context.provider.token.signed_token.as_ref().map_or(DEFAULT_LIFETIME, |signed| signed.lifetime);
    Ok(ObtainedToken { expires_at: Some(context.now + lifetime), ..ObtainedToken::new(token) })
}

/// Formats the token. Its digest is the base64 of the hexadecimal SHA-1 of nonce, creation time and secret.
fn wsse(user: &str, secret: &str, nonce: &str, created: &str) -> String {
    let plain = Zeroizing::new(format!("{nonce}{created}{secret}"));
    let digest = STANDARD.encode(sign::hex(&sign::sha1(plain.as_bytes())));
    format!(r#"UsernameToken Username="{user}", PasswordDigest="{digest}", Nonce="{nonce}", Created="{created}""#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn username_token_matches_the_specification() {
        let token = wsse("ann", "hush", "00112233445566778899aabbccddeeff", "2026-11-22T12:00:00Z");
        let digest = sign::hex(&sign::sha1(b"00112233445566778899aabbccddeeff2026-11-22T12:00:00Zhush"));
        let digest = STANDARD.encode(digest);
        assert_eq!(
            token,
            format!(
                "UsernameToken Username=\"ann\", PasswordDigest=\"{digest}\", \
                 Nonce=\"00112233445566778899aabbccddeeff\", Created=\"2026-11-22T12:00:00Z\""
            )
        );
        assert!(!token.contains("hush"));
    }
}
