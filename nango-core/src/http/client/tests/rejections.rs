//! Tests of responses that reject the credentials of a request.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use super::*;

/// An authorizer with versioned credentials; `refresh` is the result of every refresh.
#[derive(Debug)]
pub(super) struct VersionedAuthorizer {
    now: AtomicU64,
    pub(super) refusals: Mutex<Vec<CredentialsVersion>>,
    refresh: Result<bool, AuthError>,
}

impl VersionedAuthorizer {
    pub(super) fn new(refresh: Result<bool, AuthError>) -> Arc<Self> {
        Arc::new(Self { now: AtomicU64::new(1), refusals: Mutex::default(), refresh })
    }
}

impl Authorize for VersionedAuthorizer {
    fn authorize<'a>(
        &'a self,
        request: &'a mut OutgoingRequest,
    ) -> BoxFuture<'a, Result<CredentialsVersion, AuthError>> {
        let now = self.now.load(Ordering::Relaxed);
        request.headers.insert("authorization", format!("Bearer v{now}").parse().unwrap());
        Box::pin(async move { Ok(CredentialsVersion(now)) })
    }

    fn on_unauthorized(&self, used: CredentialsVersion) -> BoxFuture<'_, Result<bool, AuthError>> {
        self.refusals.lock().unwrap().push(used);
        self.now.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { self.refresh.clone() })
    }
}

pub(super) fn versioned(script: &MockTransport, versions: &Arc<VersionedAuthorizer>) -> Client {
    let base = "https://h.test".parse().unwrap();
    let parts = ClientParts::new(Arc::new(script.clone()), Arc::new(FakeClock::default()), base);
    Client::new(parts.authorize(versions.clone()))
}

#[tokio::test]
async fn rejected_request_is_resent_once_with_new_credentials() {
    for method in [Method::GET, Method::POST] {
        let script = MockTransport::new([mock_response(401, &[], ""), mock_json("[]")]);
        let versions = VersionedAuthorizer::new(Ok(true));
        let response = versioned(&script, &versions).send(&RequestSpec::new(method, "/a")).await.unwrap();
        assert_eq!(response.attempts, 2);
        assert_eq!(*versions.refusals.lock().unwrap(), [CredentialsVersion(1)]);
        let used: Vec<_> = script.sent().iter().map(|request| request.headers["authorization"].clone()).collect();
        assert_eq!(used, ["Bearer v1", "Bearer v2"]);
    }
}

#[tokio::test]
async fn second_rejection_is_returned_without_a_retry() {
    let script =
        MockTransport::new([mock_response(401, &[], ""), mock_response(503, &[], ""), mock_response(401, &[], "")]);
    let versions = VersionedAuthorizer::new(Ok(true));
    let error = versioned(&script, &versions).send(&RequestSpec::get("/a").retries(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "GET https://h.test/a returned 401 after 3 attempts");
    assert_eq!(versions.refusals.lock().unwrap().len(), 1);

    let script = MockTransport::new([mock_response(401, &[], "")]);
    let versions = VersionedAuthorizer::new(Ok(false));
    let response = versioned(&script, &versions).send(&RequestSpec::get("/a").accept([401])).await.unwrap();
    assert_eq!((response.status, versions.refusals.lock().unwrap().len()), (401, 1));
}

#[tokio::test]
async fn failed_refresh_returns_its_reason() {
    let check = async |error: AuthError, kind: ErrorKind| {
        let script = MockTransport::new([mock_response(401, &[], "")]);
        let error =
            versioned(&script, &VersionedAuthorizer::new(Err(error))).send(&RequestSpec::get("/a")).await.unwrap_err();
        let error = error.into_error();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, "why"));
    };
    check(AuthError::new(ErrorKind::Connection, "why"), ErrorKind::Connection).await;
    check(AuthError::new(ErrorKind::Network, "why"), ErrorKind::Network).await;
    check(AuthError::new(ErrorKind::Internal, "why"), ErrorKind::Internal).await;
}

#[tokio::test]
async fn only_a_401_of_the_trusted_origin_rejects_credentials() {
    let never = VersionedAuthorizer::new(Err(AuthError::new(ErrorKind::Internal, "refresh was called")));
    let away = mock_response(302, &[("location", "https://cdn.test/b")], "");
    let script = MockTransport::new([away, mock_response(401, &[], "")]);
    let error = versioned(&script, &never).send(&RequestSpec::get("/a")).await.unwrap_err();
    assert!(matches!(error, HttpError::Status(_)), "{error}");
    let script = MockTransport::new([mock_response(401, &[], "")]);
    versioned(&script, &never).send(&RequestSpec::get("https://cdn.test/b")).await.unwrap_err();
    let script = MockTransport::new([mock_response(401, &[], "")]);
    let request = OutgoingRequest::new(Method::GET, "https://h.test/a".parse().unwrap());
    assert_eq!(versioned(&script, &never).fetch(&request).await.unwrap().status, 401);
    // The first hop created a resource; resending it would create another.
    let script = MockTransport::new([mock_response(303, &[("location", "/made/7")], ""), mock_response(401, &[], "")]);
    versioned(&script, &never).send(&RequestSpec::new(Method::POST, "/make")).await.unwrap_err();
    assert!(never.refusals.lock().unwrap().is_empty());
}
