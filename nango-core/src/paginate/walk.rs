//! The walk itself.

use std::{collections::HashSet, fmt};

use serde_json::{Value, value::RawValue};
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    PaginateError, Place, RawPage,
    link::{self, LinkTarget},
    place::To,
    plan::{Plan, Step},
    read,
    resolve::resolve,
};
use crate::{
    declare::{Paginate, PaginateKind},
    http::{Call, Client, Response},
};

/// Records that were cut out of a body.
type Records = Vec<Box<str>>;

/// Asks for one page after the other.
pub struct Walk {
    client: Client,
    plan: Plan,
    /// `None`: the end was reached.
    step: Option<Step>,
    number: u64,
    /// Cursors and links that were followed, as hashes.
    followed: HashSet<u128>,
    /// The body of the last page of an offset.
    last: bytes::Bytes,
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it sends and the last page's body may hold secrets.
        f.debug_struct("Walk")
            .field("kind", &self.plan.kind)
            .field("step", &self.step)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Walk {
    /// A walk from the first page. `paginate` is complete: what it left open was taken from the provider already.
    ///
    /// # Errors
    ///
    /// The settings do not suffice; the error says what to write.
    pub fn new(client: Client, call: Call, paginate: Paginate) -> Result<Self, PaginateError> {
        Plan::new(call, paginate).map(|plan| Self::of(client, plan))
    }

    /// A walk of one page: the body is the list.
    ///
    /// # Errors
    ///
    /// None so far; the signature is that of the other walks.
    pub fn single(client: Client, call: Call) -> Result<Self, PaginateError> {
        Ok(Self::of(client, Plan::single(call)))
    }

    /// A walk from where another one was interrupted.
    ///
    /// # Errors
    ///
    /// As [`Walk::new`]; or the place is one of another kind of pagination.
    pub fn resume(client: Client, call: Call, paginate: Paginate, place: Place) -> Result<Self, PaginateError> {
        let mut walk = Self::new(client, call, paginate)?;
        let step = match (place.to, &walk.plan.kind) {
            (To::Cursor(value), Some(PaginateKind::Cursor { .. } | PaginateKind::LastItem { .. })) => {
                Some(Step::Cursor(value))
            }
            (To::Link(url), Some(PaginateKind::Link { .. })) => url.parse().ok().map(Step::Link),
            _ => None,
        };
        let step = step.ok_or_else(|| {
            let text = "the interrupted walk was one of another kind of pagination: begin at the first page";
            PaginateError::Settings(text.to_owned())
        })?;
        walk.followed.insert(mark(&step));
        walk.step = Some(step);
        Ok(walk)
    }

    fn of(client: Client, plan: Plan) -> Self {
        let step = Some(plan.first());
        Self { client, plan, step, number: 0, followed: HashSet::new(), last: bytes::Bytes::new() }
    }

    /// The next page; `None` behind the last. An empty page that ends the walk is not given, unless it is the first.
    ///
    /// # Errors
    ///
    /// The page has no usable answer, or does not say in a usable way where the next one is. Asking again after an error
    /// sends the same request again.
    pub async fn next(&mut self) -> Result<Option<RawPage>, PaginateError> {
        let Some(step) = self.step.clone() else { return Ok(None) };
        let mut call = self.plan.call(&step);
        if let Step::Link(url) = &step
            && self.client.base_of(&call)?.origin() != url.origin()
        {
            // The API chose this place, not the caller: the caller's own secrets stay here, too.
            call = call.without_secrets();
        }
        let response = self.client.send(&call).await?;
        let number = self.number + 1;
        let at = read::name(&response, number);

        let (read, mut onward) = self.onward(&step, &response, &at)?;
        if self.plan.has_more.as_deref().is_some_and(|path| read::says_no(&response, path)) {
            onward = None;
        }
        if let Some(next @ (Step::Cursor(_) | Step::Link(_))) = &onward
            && !self.followed.insert(mark(next))
        {
            let what = if matches!(next, Step::Link(_)) { "link" } else { "cursor" };
            return Err(PaginateError::Circle { at, what });
        }
        let next = onward.as_ref().map(|next| match next {
            Step::First => String::new(),
            Step::Cursor(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            Step::Link(url) => url.to_string(),
            Step::Offset(offset) => offset.to_string(),
        });
        let place = match (&onward, &self.plan.kind) {
            (
                Some(Step::Cursor(value)),
                Some(PaginateKind::Cursor { name, .. } | PaginateKind::LastItem { name, .. }),
            ) => Some(Place::cursor(name, value)),
            (Some(Step::Link(url)), _) => Some(Place::link(url)),
            _ => None,
        };
        let nothing_more = onward.is_none() && read.as_ref().is_some_and(Vec::is_empty);
        self.step = onward;
        self.number = number;
        if nothing_more && number > 1 {
            return Ok(None);
        }
        Ok(Some(RawPage { response, at, path: self.plan.records.clone(), read, next, place }))
    }

    /// The records, if the body had to be read, and the step behind the page.
    fn onward(
        &mut self,
        step: &Step,
        response: &Response,
        at: &str,
    ) -> Result<(Option<Records>, Option<Step>), PaginateError> {
        let records = self.plan.records.as_str();
        match &self.plan.kind {
            None => Ok((None, None)),
            Some(PaginateKind::Link { rel, path }) => {
                match rel.as_ref().map_or(LinkTarget::Absent, |rel| link::target(&response.headers, rel)) {
                    LinkTarget::Absent => {}
                    LinkTarget::Unreadable => {
                        return Err(bad("link", at, "Link", "its target cannot be read".to_owned()));
                    }
                    LinkTarget::Target(target) => {
                        let url = response.url.join(&target).map_err(|error| error.to_string()).and_then(askable);
                        let url = url.map_err(|reason| bad("link", at, "Link", reason))?;
                        return Ok((None, Some(Step::Link(url))));
                    }
                }
                let Some(path) = path else { return Ok((None, None)) };
                let (list, found) = read::read(response, at, records, Some(path), false)?;
                let target = found.map(|value| scalar(value, "link", at, path)).transpose()?.flatten();
                let next = match target {
                    None => None,
                    Some(Value::String(text)) => {
                        let base = self.client.base_of(&self.plan.call(&Step::First))?;
                        let url = resolve(&base, &response.url, &text).and_then(askable);
                        Some(Step::Link(url.map_err(|reason| bad("link", at, path, reason))?))
                    }
                    Some(_) => return Err(bad("link", at, path, "it is a number".to_owned())),
                };
                Ok((Some(owned(list)), next))
            }
            Some(PaginateKind::Cursor { path, .. }) => {
                let (list, found) = read::read(response, at, records, Some(path), false)?;
                let next = found.map(|value| scalar(value, "cursor", at, path)).transpose()?.flatten();
                Ok((Some(owned(list)), next.map(Step::Cursor)))
            }
            Some(PaginateKind::LastItem { id, .. }) => {
                let (list, _) = read::read(response, at, records, None, self.number > 0)?;
                let next = match list.last() {
                    Some(record) => {
                        let value =
                            read::in_record(record, id).map_err(|error| bad("cursor", at, id, error.to_string()))?;
                        let value = value.map(|value| scalar(value, "cursor", at, id)).transpose()?.flatten();
                        let none = || bad("cursor", at, id, "the last record has nothing there".to_owned());
                        Some(Step::Cursor(value.ok_or_else(none)?))
                    }
                    None => None,
                };
                Ok((Some(owned(list)), next))
            }
            Some(PaginateKind::Offset { name, .. }) => {
                let (list, _) = read::read(response, at, records, None, self.number > 0)?;
                let Step::Offset(offset) = step else { return Ok((Some(owned(list)), None)) };
                if !list.is_empty() && self.last == response.body {
                    return Err(PaginateError::SamePage { at: at.to_owned(), name: name.clone().into_owned() });
                }
                let next = self.plan.offset_after(*offset, list.len()).map(Step::Offset);
                let list = owned(list);
                self.last = response.body.clone();
                Ok((Some(list), next))
            }
        }
    }
}

fn owned(list: Vec<&str>) -> Records {
    list.into_iter().map(Box::from).collect()
}

fn mark(step: &Step) -> u128 {
    match step {
        Step::Cursor(value) => xxh3_128(value.to_string().as_bytes()),
        Step::Link(url) => xxh3_128(url.as_str().as_bytes()),
        Step::First | Step::Offset(_) => 0,
    }
}

/// A string or number that leads on. Nothing, `null`, `false` and the empty string end the walk; 0 does not.
fn scalar(value: &RawValue, what: &'static str, at: &str, path: &str) -> Result<Option<Value>, PaginateError> {
    let value: Value = serde_json::from_str(value.get()).map_err(|error| bad(what, at, path, error.to_string()))?;
    match value {
        Value::Null | Value::Bool(false) => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => Ok(Some(Value::String(text.trim().to_owned()))),
        Value::Number(_) => Ok(Some(value)),
        Value::Bool(true) => Err(bad(what, at, path, "it is a boolean".to_owned())),
        Value::Array(_) => Err(bad(what, at, path, "it is a list".to_owned())),
        Value::Object(_) => Err(bad(what, at, path, "it is an object".to_owned())),
    }
}

fn bad(what: &'static str, at: &str, place: &str, reason: String) -> PaginateError {
    PaginateError::Next { at: at.to_owned(), what, place: place.to_owned(), reason }
}

fn askable(mut url: Url) -> Result<Url, String> {
    url.set_fragment(None);
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err("it is no web address".to_owned())
    }
}

#[cfg(test)]
mod tests;
