use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::header::HeaderMap;

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("the layer failed")]
struct OfALayer;

impl OfALayer {
    fn into_error(self) -> Error {
        Error::new(ErrorKind::Store, self).with_remedy(Remedy::RepairDatabase)
    }
}

register_layer_error!(OfALayer);

#[test]
fn error_of_a_layer_keeps_its_kind_and_remedy_through_the_question_mark_operator() {
    let fail = || -> Result<()> { Err(OfALayer)? };
    let error = fail().unwrap_err();
    assert_eq!((error.kind(), error.remedy()), (ErrorKind::Store, Some(&Remedy::RepairDatabase)));
    assert!(error.downcast_ref::<OfALayer>().is_some());
}

#[test]
fn other_error_is_internal() {
    let fail = || -> Result<u8> { Ok("x".parse()?) };
    assert_eq!(fail().unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn json_error_is_a_decode_error_if_json_was_read() {
    let kind = |error: serde_json::Error| Error::from(error).kind();
    assert_eq!(kind(serde_json::from_str::<u8>("\"a\"").unwrap_err()), ErrorKind::Decode);
    assert_eq!(kind(serde_json::from_str::<u8>("{").unwrap_err()), ErrorKind::Decode);
    assert_eq!(kind(serde_json::from_str::<u8>("").unwrap_err()), ErrorKind::Decode);
    assert_eq!(kind(serde_json::from_value::<u8>(Value::Null).unwrap_err()), ErrorKind::Decode);
    let key_is_a_list = BTreeMap::from([([1_u8], 1_u8)]);
    assert_eq!(kind(serde_json::to_string(&key_is_a_list).unwrap_err()), ErrorKind::Internal);
    assert_eq!(kind(serde_json::to_value(&key_is_a_list).unwrap_err()), ErrorKind::Internal);
}

#[test]
fn remedy_of_the_cause_is_kept() {
    let error = Error::msg("x").with_remedy(Remedy::ListProviders).with_remedy(Remedy::CopyAgain);
    assert_eq!(error.context("y").remedy(), Some(&Remedy::ListProviders));
    assert_eq!(Error::msg("x").with_remedy(None).remedy(), None);
}

#[test]
fn action_error_keeps_its_payload_through_the_question_mark_operator() {
    let fail = || -> Result<()> { Err(ActionError::new("no title"))? };
    let error = fail().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Action);
    assert_eq!(error.action().unwrap().payload(), &serde_json::json!({ "message": "no title" }));
    assert_eq!(error.context("creating an issue").to_string(), "creating an issue: no title");
}

#[test]
fn status_429_is_a_rate_limit() {
    let failure = |status| {
        Error::from(HttpFailure::new("GET".into(), "http://h/p".into(), status, HeaderMap::new(), Bytes::new(), 1))
    };
    assert!(failure(429).is_rate_limit());
    assert_eq!(failure(500).kind(), ErrorKind::Http);
    assert_eq!(failure(500).http().map(|http| http.status), Some(500));
}
