//! Effect of an error of a parent's walk: the parent is skipped, or the run fails.

use super::super::parents::Tally;
use crate::{
    declare::OnParentError,
    error::{Error, ErrorKind},
};

/// Statuses about one parent: its list may not be read, or does not exist.
const PARENT_STATUSES: [u16; 3] = [403, 404, 410];
/// Status of credentials that the API does not accept, which concerns all parents.
const UNAUTHORIZED: u16 = 401;

/// Returns whether an error skips the parent instead of failing the run. `at_list`: the error is that of a request of
/// the parent's list, and not of the function or of the database.
pub(super) fn skips_parent(on_error: OnParentError, error: &Error, at_list: bool) -> bool {
    let failure = error.http();
    let declared = failure.and_then(|failure| failure.error.as_ref());
    let status = failure.map(|failure| failure.status);
    let is_fatal = declared.is_some_and(|declared| declared.is_fatal) || status == Some(UNAUTHORIZED);
    match on_error {
        OnParentError::Fail => false,
        _ if is_fatal => false,
        OnParentError::Standard => {
            let about_parent = declared.is_some() || status.is_some_and(|status| PARENT_STATUSES.contains(&status));
            at_list && about_parent && error.kind() == ErrorKind::Http
        }
        // The errors of other kinds are not those of a response, or concern all parents, such as a rate limit.
        OnParentError::Skip => matches!(error.kind(), ErrorKind::Http | ErrorKind::Decode | ErrorKind::Record),
    }
}

/// Returns the error of a run in which no list could be read, although there are parents. `walked_before`: an earlier
/// run of the same logical run has walked one.
pub(super) fn of_all(tally: &Tally, walked_before: bool, first_error: Option<Error>) -> Option<Error> {
    let has_walked = walked_before || tally.walked + tally.walked_before > 0;
    if has_walked || tally.skipped == 0 {
        return None;
    }
    let error = first_error.unwrap_or_else(|| Error::msg("the parents were skipped"));
    let number = tally.skipped;
    Some(error.context(format!("the list of none of {number} parents could be read; the first error")))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::error::{ErrorInBody, HttpFailure};

    fn status(status: u16) -> Error {
        let (method, url) = ("GET".to_owned(), "https://h.test/a".to_owned());
        let failure = HttpFailure::new(method, url, status, HeaderMap::new(), Bytes::new(), 1);
        Error::new(failure.kind(), failure)
    }

    fn declared(is_fatal: bool) -> Error {
        let (method, url) = ("GET".to_owned(), "https://h.test/a".to_owned());
        let mut failure = HttpFailure::new(method, url, 200, HeaderMap::new(), Bytes::new(), 1);
        failure.error = Some(ErrorInBody { path: "ok".to_owned(), message: "no_access".to_owned(), is_fatal });
        Error::new(failure.kind(), failure)
    }

    #[track_caller]
    fn check(error: &Error, standard: bool, skip: bool) {
        assert_eq!(skips_parent(OnParentError::Standard, error, true), standard, "standard: {error}");
        assert_eq!(skips_parent(OnParentError::Skip, error, true), skip, "skip: {error}");
        assert!(!skips_parent(OnParentError::Fail, error, true), "fail: {error}");
    }

    #[test]
    fn error_about_one_parent_skips_it_and_any_other_error_fails_the_run() {
        for about_parent in [403, 404, 410] {
            check(&status(about_parent), true, true);
        }
        check(&declared(false), true, true);
        for other in [400, 409, 422, 500, 503] {
            check(&status(other), false, true);
        }
        check(&status(401), false, false);
        check(&status(429), false, false);
        check(&declared(true), false, false);
        check(&Error::new(ErrorKind::Decode, "not JSON"), false, true);
        check(&Error::new(ErrorKind::Record, "no id"), false, true);
        for kind in [
            ErrorKind::Network,
            ErrorKind::Interrupted,
            ErrorKind::LeaseLost,
            ErrorKind::Store,
            ErrorKind::Connection,
            ErrorKind::Internal,
        ] {
            check(&Error::new(kind, "failed"), false, false);
        }
    }

    #[test]
    fn run_fails_with_the_first_error_only_if_no_parent_was_walked() {
        let skipped = Tally { skipped: 2, ..Tally::default() };
        let error = of_all(&skipped, false, Some(status(403))).unwrap();
        let message = "the list of none of 2 parents could be read; the first error: GET https://h.test/a returned 403";
        assert_eq!((error.to_string().as_str(), error.http().unwrap().status), (message, 403));
        assert!(of_all(&skipped, true, Some(status(403))).is_none());
        for walked in [Tally { walked: 1, ..skipped.clone() }, Tally { walked_before: 1, ..skipped }, Tally::default()]
        {
            assert!(of_all(&walked, false, None).is_none(), "{walked:?}");
        }
    }

    #[test]
    fn status_of_a_request_of_the_function_skips_no_parent_by_default() {
        assert!(!skips_parent(OnParentError::Standard, &status(404), false));
        assert!(skips_parent(OnParentError::Skip, &status(404), false));
    }
}
