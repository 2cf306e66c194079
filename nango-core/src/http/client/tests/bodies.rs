//! Tests of response bodies that are not the requested JSON.

use super::*;
use crate::redact::Redactor;

#[tokio::test]
async fn non_json_body_is_quoted_without_secrets() {
    let redactor = Redactor::default();
    redactor.add("HUSH-key-1234567890".to_owned().into());
    // The quoted start ends in the middle of the secret.
    let page = format!("<html>{} HUSH-key-1234567890</html>", "x".repeat(64));
    let script = MockTransport::new([mock_response(200, &[("content-type", "text/html")], &page)]);
    let parts = ClientParts::new(Arc::new(script), Arc::new(FakeClock::default()), "https://h.test".parse().unwrap());
    let client = Client::new(parts.redactor(redactor));
    let error = client.send(&RequestSpec::get("/a")).await.unwrap().json::<u8>().unwrap_err().to_string();
    let expect = "GET https://h.test/a returned 200 (text/html) with a body that is not JSON: expected value";
    assert!(error.starts_with(expect) && !error.contains("HUSH"), "{error}");
}
