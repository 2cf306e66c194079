//! Errors of refreshes in the layers above.

use super::*;
use crate::{
    auth::ObtainError,
    error::{Error, ErrorKind, Remedy},
    http::HttpError,
};

#[test]
fn cause_and_remedy_survive_every_conversion() {
    let store = || RefreshError::Store { connection: "c".into(), source: Arc::new(StoreError::Full) };
    let missing = || ResolveError::MissingConfig { integration: "shop".into(), name: "site".into() };
    let setup = || RefreshError::Setup {
        connection: "c".into(),
        source: Arc::new(SetupError::from(ObtainError::from(missing()))),
    };
    let refused =
        || RefreshError::Refused { integration: "shop".into(), connection: "ann".into(), reason: "revoked".into() };
    let site = Remedy::SetConfiguration { integration: "shop".into(), name: "site".into() };
    let replace = Remedy::ReplaceCredentials { integration: "shop".into(), connection: Some("ann".into()) };
    let check = |error: &dyn Fn() -> RefreshError, kind: ErrorKind, remedy: Option<&Remedy>, text: &str| {
        let by_request = HttpError::Auth(error().into()).into_error();
        for error in [error().into_error(), Error::from(error()), by_request] {
            assert_eq!((error.kind(), error.remedy()), (kind, remedy), "{error}");
            assert_eq!(error.to_string(), text);
        }
    };
    check(&store, ErrorKind::Store, None, &format!("cannot load or store the credentials of c: {}", StoreError::Full));
    let text = "cannot refresh the token of c: `shop` needs the configuration value `site`";
    check(&setup, ErrorKind::Connection, Some(&site), text);
    let text = "connection `ann` of `shop` must be connected again: the provider rejected its credentials: revoked";
    check(&refused, ErrorKind::Connection, Some(&replace), text);
    let found = HttpError::Auth(store().into()).into_error();
    assert!(matches!(found.find::<StoreError>(), Some(StoreError::Full)));
}
