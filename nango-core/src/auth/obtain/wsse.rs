//! WS-Security username tokens (WSSE): short-lived signatures from a user name and a secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{ObtainError, ObtainedToken, TokenContext};
use crate::provider::sign;

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
    getrandom::fill(&mut nonce)
        .map_err(|error| ObtainError::Setup(format!("the random number generator of the system failed: {error}")))?;
    let created = jiff::Timestamp::from_microsecond(context.now).unwrap_or_default();
    let token = wsse(user, secret, &sign::hex(&nonce), &format!("{created:.0}"));
    let lifetime = context.provider.token.signed_token.as_ref().map_or(300, |signed| signed.lifetime.as_secs());
    let expiry = context.now.saturating_add(i64::try_from(lifetime).unwrap_or(300) * 1_000_000);
    Ok(ObtainedToken { expires_at: Some(expiry), ..ObtainedToken::new(token) })
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
