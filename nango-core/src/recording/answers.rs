//! Recorded answers of a replay: each is used once, by a request with the same content, in the recorded order.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
};

use super::{
    difference::{Difference, describe, differences},
    format::{Exchange, RecordedRequest},
    request_key::RequestContent,
};

/// Maximum number of unused exchanges that a message lists.
const LISTED: usize = 10;

/// Recorded exchanges, by the content of their requests.
#[derive(Debug)]
pub(super) struct Answers {
    /// Type and name of the recorded function, for messages.
    function: String,
    exchanges: Vec<Recorded>,
    /// Positions of the exchanges of one content that were not used yet.
    left: HashMap<String, VecDeque<usize>>,
    /// Messages about requests without an answer.
    missing: Vec<String>,
}

#[derive(Debug)]
struct Recorded {
    content: RequestContent,
    exchange: Exchange,
    /// Number of its line.
    line: usize,
    used: bool,
}

impl Answers {
    /// Creates the answers of recorded exchanges, each with the number of its line. `function`: type and name of the
    /// recorded function, for messages.
    pub(super) fn new(function: String, exchanges: &[(usize, Exchange)]) -> Self {
        let mut exchanges: Vec<Recorded> = exchanges
            .iter()
            .map(|(line, exchange)| Recorded {
                content: RequestContent::of(&exchange.request),
                exchange: exchange.clone(),
                line: *line,
                used: false,
            })
            .collect();
        exchanges.sort_by_key(|recorded| recorded.exchange.n);
        let mut left: HashMap<String, VecDeque<usize>> = HashMap::new();
        for (at, recorded) in exchanges.iter().enumerate() {
            left.entry(recorded.content.key()).or_default().push_back(at);
        }
        Self { function, exchanges, left, missing: Vec::new() }
    }

    /// Returns the answer to a request with the number of its line, or a message that names the nearest recorded
    /// request and the differences.
    pub(super) fn take(&mut self, request: &RecordedRequest) -> Result<(usize, Exchange), String> {
        let asked = RequestContent::of(request);
        let key = asked.key();
        if let Some(at) = self.left.get_mut(&key).and_then(VecDeque::pop_front) {
            self.exchanges[at].used = true;
            return Ok((self.exchanges[at].line, self.exchanges[at].exchange.clone()));
        }
        let message = self.no_answer(&asked, self.left.contains_key(&key));
        self.missing.push(message.clone());
        Err(message)
    }

    fn no_answer(&self, asked: &RequestContent, is_repeated: bool) -> String {
        let (function, asked_for) = (&self.function, describe(asked));
        let mut message =
            format!("the recording of {function} has no answer for this request\n  asked:    {asked_for}");
        if is_repeated {
            let times = self.exchanges.iter().filter(|recorded| recorded.content == *asked).count();
            let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
            let _ = write!(message, "\n  the recorded run asked this {times}, and the function asks it once more");
            return message;
        }
        let unused = self.exchanges.iter().filter(|recorded| !recorded.used);
        let ranked = unused.map(|recorded| (differences(asked, &recorded.content), recorded));
        let rank = |differences: &[Difference]| differences.iter().map(|difference| difference.rank).sum::<usize>();
        let Some((differences, nearest)) = ranked.min_by_key(|(differences, _)| rank(differences)) else {
            message.push_str("\n  all recorded answers were used before");
            return message;
        };
        let _ = write!(message, "\n  recorded: {} (line {})", describe(&nearest.content), nearest.line);
        for difference in differences {
            let _ = write!(message, "\n  - {}", difference.text);
        }
        message
    }

    /// Returns the messages about requests without an answer, in order.
    pub(super) fn missing(&self) -> Vec<String> {
        self.missing.clone()
    }

    /// Returns a message about the exchanges that were not used.
    pub(super) fn unused(&self) -> Option<String> {
        let is_unused = |recorded: &&Recorded| !recorded.used && recorded.exchange.is_required();
        let unused: Vec<&Recorded> = self.exchanges.iter().filter(is_unused).collect();
        if unused.is_empty() {
            return None;
        }
        let mut message = format!("the recording of {} has answers that the function did not ask for:", self.function);
        for recorded in unused.iter().take(LISTED) {
            let _ = write!(message, "\n  {} (line {})", describe(&recorded.content), recorded.line);
        }
        if unused.len() > LISTED {
            let _ = write!(message, "\n  and {} more", unused.len() - LISTED);
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recording::{
            body::RecordedBody, format::RecordedResponse, request_key::tests::request, transport_error::RecordedError,
        },
        time::Timestamp,
    };

    fn exchange(n: u64, url: &str, answer: &str) -> (usize, Exchange) {
        let body = RecordedBody::new(answer.as_bytes());
        let exchange = Exchange {
            n,
            request: request("GET", url, ""),
            response: Some(RecordedResponse { status: 200, headers: Vec::new(), body }),
            error: None,
            sent_at: Timestamp::UNIX_EPOCH,
            ended_at: Timestamp::UNIX_EPOCH,
        };
        (usize::try_from(n).unwrap() + 10, exchange)
    }

    fn take(answers: &mut Answers, url: &str) -> Result<String, String> {
        let (_, exchange) = answers.take(&request("GET", url, ""))?;
        Ok(exchange.response.unwrap().body.shown())
    }

    #[test]
    fn answers_are_found_by_content_and_in_order_per_content() {
        // The lines are in the order in which the exchanges ended.
        let lines = [
            exchange(3, "https://h.test/b", "b"),
            exchange(2, "https://h.test/a", "second"),
            exchange(1, "https://h.test/a", "first"),
        ];
        let mut answers = Answers::new("sync `acme/things`".to_owned(), &lines);
        for (url, expect) in [("https://h.test/b", "b"), ("https://h.test/a", "first"), ("https://h.test/a", "second")]
        {
            assert_eq!(take(&mut answers, url).as_deref(), Ok(expect));
        }
        assert_eq!((answers.unused(), answers.missing()), (None, Vec::new()));
        let error = take(&mut answers, "https://h.test/a").unwrap_err();
        assert!(error.ends_with("asked this 2 times, and the function asks it once more"), "{error}");
        let error = take(&mut answers, "https://h.test/c").unwrap_err();
        assert!(error.ends_with("\n  all recorded answers were used before"), "{error}");
        assert_eq!(answers.missing().len(), 2);
    }

    #[test]
    fn nearest_request_is_named_with_its_differences() {
        let lines = [exchange(1, "https://h.test/a?page=2&limit=5", "x"), exchange(2, "https://h.test/b", "y")];
        let mut answers = Answers::new("sync `acme/things`".to_owned(), &lines);
        let expect = "the recording of sync `acme/things` has no answer for this request\n  asked:    GET \
                      https://h.test/a?limit=6&page=2\n  recorded: GET https://h.test/a?limit=5&page=2 (line 11)\n  - \
                      `limit` in the query is \"6\" instead of \"5\"";
        assert_eq!(take(&mut answers, "https://h.test/a?page=2&limit=6").unwrap_err(), expect);
        let unused = answers.unused().unwrap();
        assert!(
            unused.ends_with(":\n  GET https://h.test/a?limit=5&page=2 (line 11)\n  GET https://h.test/b (line 12)")
        );
    }

    #[test]
    fn answer_of_one_url_is_found_by_the_parent() {
        let of = |n: u64, parent: &str| {
            let (line, mut exchange) = exchange(n, "https://h.test/replies", parent);
            exchange.request.parent = Some(parent.to_owned());
            (line, exchange)
        };
        let lines = [of(1, "a"), of(2, "b"), exchange(3, "https://h.test/replies", "none")];
        let mut answers = Answers::new("sync `acme/things`".to_owned(), &lines);
        for parent in [Some("b"), None, Some("a")] {
            let asked =
                RecordedRequest { parent: parent.map(str::to_owned), ..request("GET", "https://h.test/replies", "") };
            let (_, found) = answers.take(&asked).unwrap();
            assert_eq!(found.response.unwrap().body.shown(), parent.unwrap_or("none"));
        }
    }

    #[test]
    fn answer_that_the_recorded_run_did_not_wait_for_may_be_unused() {
        let dropped = |n: u64, error: RecordedError| {
            let (line, exchange) = exchange(n, "https://h.test/a", "");
            (line, Exchange { response: None, error: Some(error), ..exchange })
        };
        let lines = [dropped(1, RecordedError::Cancelled), dropped(2, RecordedError::Unread)];
        assert_eq!(Answers::new("sync `acme/things`".to_owned(), &lines).unused(), None);
        let lines = [dropped(1, RecordedError::Timeout { seconds: 1.0 })];
        assert!(Answers::new("sync `acme/things`".to_owned(), &lines).unused().is_some());
    }
}
