//! An API that answers as its style does, changes behind each answer, and misbehaves.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    dice::Dice,
    style::{Carrier, LIMIT, Style},
    upstream::{Entry, Upstream},
};
use crate::{
    http::{BoxFuture, Incoming, Outgoing, Transport, TransportError},
    nango::Stop,
};

pub(super) const BASE: &str = "https://api.test/items";

/// A misbehaviour of an API in one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Broken,
    Unreachable,
    Limited,
    Failed,
    OtherSuccess,
    Redirect,
    RedirectAway,
    NullWithErrors,
    ErrorOnly,
    HalfBody,
    SamePage,
    Circle,
    EmptyCircle,
    OtherOrigin,
    UnreadableLink,
    ShortPage,
    ErrorsBesideData,
}

impl Fault {
    const ALL: [Self; 17] = [
        Self::Broken,
        Self::Unreachable,
        Self::Limited,
        Self::Failed,
        Self::OtherSuccess,
        Self::Redirect,
        Self::RedirectAway,
        Self::NullWithErrors,
        Self::ErrorOnly,
        Self::HalfBody,
        Self::SamePage,
        Self::Circle,
        Self::EmptyCircle,
        Self::OtherOrigin,
        Self::UnreadableLink,
        Self::ShortPage,
        Self::ErrorsBesideData,
    ];

    /// Whether a walk with it cannot be Complete.
    pub(super) fn is_fatal(self) -> bool {
        !matches!(self, Self::Limited | Self::Redirect | Self::ShortPage | Self::ErrorsBesideData)
    }
}

/// The records that a walk was given, from its first request on.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The records that were there at the first request and belong to what was requested.
    pub(super) at_start: Vec<u64>,
    pub(super) served: BTreeSet<u64>,
    pub(super) since: Option<i64>,
    /// The position of the second page.
    second: Option<String>,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) upstream: Upstream,
    pub(super) style: Style,
    /// The chance of a change of each kind behind each answer, in percent.
    pub(super) churn: u64,
    /// The chance of a fault of each answer, in percent.
    pub(super) faults: u64,
    /// Stops the run at this many more requests.
    pub(super) stop: Option<(u64, Stop)>,
    pub(super) walk: Seen,
    /// The faults of this run.
    pub(super) faulted: Vec<Fault>,
    /// Whether the first page was requested in this run.
    pub(super) from_start: bool,
    pub(super) trace: VecDeque<String>,
    last: Option<Reply>,
}

#[derive(Debug, Clone)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    records: Vec<u64>,
}

/// One page before it is written.
struct Part {
    entries: Vec<Entry>,
    /// The records before the filter.
    window: usize,
    more: bool,
    whole: usize,
    size: usize,
    /// The position of the next page.
    next: String,
}

impl World {
    pub(super) fn new(dice: Dice, upstream: Upstream, style: Style) -> Self {
        Self {
            dice,
            upstream,
            style,
            churn: 0,
            faults: 0,
            stop: None,
            walk: Seen::default(),
            faulted: Vec::new(),
            from_start: false,
            trace: VecDeque::new(),
            last: None,
        }
    }

    pub(super) fn note(&mut self, line: String) {
        if self.trace.len() == 80 {
            self.trace.pop_front();
        }
        self.trace.push_back(line);
    }

    /// Whether the connection sees a record.
    pub(super) fn sees(&self, id: u64) -> bool {
        !self.style.filtered || !id.is_multiple_of(12)
    }

    fn answer(&mut self, url: &Url) -> Result<Reply, TransportError> {
        self.upstream.now += 1 + i64::try_from(self.dice.roll(3)).unwrap();
        if let Some((left, stop)) = &mut self.stop {
            *left = left.saturating_sub(1);
            if *left == 0 {
                stop.stop();
            }
        }
        let answered = if url.host_str() == Some("evil.test") {
            Ok(reply(200, self.write(Vec::new(), Map::new())))
        } else if let Some(id) = url.path().strip_prefix("/items/").and_then(|id| id.parse().ok()) {
            Ok(self.single_record(id))
        } else {
            self.page(url)
        };
        let (dice, churn) = (&mut self.dice, self.churn);
        self.upstream.change(dice, churn);
        let short = match &answered {
            Ok(reply) => format!("{} {:?}", reply.status, reply.records),
            Err(error) => error.to_string(),
        };
        self.note(format!("{url} → {short}"));
        answered
    }

    fn single_record(&self, id: u64) -> Reply {
        match self.upstream.live.iter().find(|entry| entry.id == id) {
            Some(entry) => reply(200, entry.json().to_string().into_bytes()),
            None => reply(404, b"{}".to_vec()),
        }
    }

    fn position(&self, url: &Url) -> Option<String> {
        let name = match self.style.carrier {
            Carrier::PathLink => {
                return url.path().strip_prefix("/items/c").map(|key| key.trim_end_matches('x').to_owned());
            }
            Carrier::LinkPageInfo => "page_info",
            Carrier::LinkPage | Carrier::BodyLinkPage | Carrier::Page => "page",
            Carrier::Offset => "offset",
            _ => "after",
        };
        let value = query(url, name)?;
        Some(value.strip_prefix('c').and_then(|value| value.strip_suffix('x')).unwrap_or(&value).to_owned())
    }

    fn page(&mut self, url: &Url) -> Result<Reply, TransportError> {
        let position = self.position(url);
        let since = query(url, "since").and_then(|since| since.parse().ok());
        let first = match self.style.carrier {
            Carrier::Offset => position.as_deref() == Some("0"),
            Carrier::Page => position.as_deref() == Some("1"),
            _ => position.is_none(),
        };
        if first && query(url, "moved").is_none() {
            let ids: Vec<u64> = self.upstream.view(since).iter().map(|entry| entry.id).collect();
            let at_start = ids.into_iter().filter(|id| self.sees(*id)).collect();
            self.walk = Seen { at_start, since, ..Seen::default() };
            self.from_start = true;
            self.last = None;
            self.faulted.clear();
        }
        let faults = self.faults;
        let fault = self.dice.percent(faults).then(|| self.dice.one_of(&Fault::ALL));
        if let Some(answered) = fault.and_then(|fault| self.fault_instead(fault, url)) {
            return answered;
        }
        let mut part = self.part(position.as_deref(), since, fault);
        if let Some((status, _)) = self.style.end_status
            && self.style.is_counted()
            && !first
            && part.window == 0
        {
            return Ok(reply(status, b"{}".to_vec()));
        }
        let mut reply = self.dress(url, &mut part, first, fault);
        reply.records = part.entries.iter().map(|entry| entry.id).collect();
        // A page that leads nowhere is not kept; behind a circle it is served again.
        let dropped =
            matches!(fault, Some(Fault::Circle | Fault::UnreadableLink)) && self.faulted.last() == fault.as_ref();
        if !dropped {
            self.walk.served.extend(&reply.records);
        }
        self.last = Some(reply.clone());
        Ok(reply)
    }

    /// Begins another attempt: a page of an earlier one is not repeated.
    pub(super) fn forget_last(&mut self) {
        self.last = None;
    }

    /// An answer in place of the page.
    fn fault_instead(&mut self, fault: Fault, url: &Url) -> Option<Result<Reply, TransportError>> {
        let answered = match fault {
            Fault::Broken => Err(TransportError::Broken("closed".into())),
            Fault::Unreachable => Err(TransportError::Unreachable("refused".into())),
            Fault::Limited => Ok(with(reply(429, b"{}".to_vec()), "retry-after", "2")),
            Fault::Failed => Ok(reply(500, b"{}".to_vec())),
            Fault::OtherSuccess => Ok(reply(self.dice.one_of(&[202, 207]), self.write(Vec::new(), Map::new()))),
            Fault::Redirect if query(url, "moved").is_none() => {
                let mut to = url.clone();
                to.query_pairs_mut().append_pair("moved", "1");
                Ok(with(reply(302, Vec::new()), "location", to.as_str()))
            }
            Fault::RedirectAway => Ok(with(reply(302, Vec::new()), "location", "https://evil.test/login")),
            Fault::NullWithErrors => {
                let body = json!({ "items": null, "errors": [{ "message": "too complex" }], "meta": {} });
                Ok(reply(200, body.to_string().into_bytes()))
            }
            Fault::ErrorOnly => Ok(reply(200, br#"{"error":{"message":"internal"}}"#.to_vec())),
            Fault::SamePage => match &self.last {
                Some(last) if !last.records.is_empty() && last.status == 200 => Ok(last.clone()),
                _ => return None,
            },
            _ => return None,
        };
        self.faulted.push(fault);
        self.note(format!("fault: {fault:?}"));
        Some(answered)
    }

    fn part(&mut self, position: Option<&str>, since: Option<i64>, fault: Option<Fault>) -> Part {
        let size = if self.style.carrier == Carrier::Single { usize::MAX } else { LIMIT.min(self.style.cap) };
        let number = position.and_then(|position| position.parse::<u64>().ok());
        let whole = self.upstream.view(since);
        let mut taken = size;
        // A page by number that is short for once would hide what it lacks.
        let by_page = matches!(self.style.carrier, Carrier::Page | Carrier::LinkPage | Carrier::BodyLinkPage);
        if fault == Some(Fault::ShortPage) && !by_page && self.style.carrier != Carrier::Single {
            taken = 1 + self.dice.at(size);
            self.faulted.push(Fault::ShortPage);
        }
        let (rest, next_number) = match self.style.carrier {
            Carrier::Offset => {
                let start = usize::try_from(number.unwrap_or(0)).unwrap().min(whole.len());
                (whole[start..].to_vec(), 0)
            }
            Carrier::Page | Carrier::LinkPage | Carrier::BodyLinkPage => {
                let page = number.unwrap_or(1).max(1);
                let start = usize::try_from(page - 1).unwrap().saturating_mul(size).min(whole.len());
                (whole[start..].to_vec(), page + 1)
            }
            _ => (self.upstream.behind(number, since), 0),
        };
        let window: Vec<Entry> = rest.iter().take(taken).cloned().collect();
        let next = if by_page {
            next_number.to_string()
        } else {
            window.last().map_or_else(|| position.unwrap_or("0").to_owned(), |last| last.key.to_string())
        };
        let more = rest.len() > window.len();
        let length = window.len();
        let entries = window.into_iter().filter(|entry| self.sees(entry.id)).collect();
        Part { entries, window: length, more, whole: whole.len(), size, next }
    }

    fn dress(&mut self, url: &Url, part: &mut Part, first: bool, fault: Option<Fault>) -> Reply {
        let mut next = (part.more || self.style.always_cursor).then(|| part.next.clone());
        let leads = !self.style.is_counted() && !matches!(self.style.carrier, Carrier::LastItem | Carrier::Single);
        let mut away = false;
        match fault {
            Some(Fault::Circle | Fault::EmptyCircle) if leads && !first => {
                if let Some(second) = self.walk.second.clone().filter(|second| Some(second) != next.as_ref()) {
                    let here = self.position(url);
                    let empties = fault == Some(Fault::EmptyCircle);
                    if here.as_ref() != Some(&second) && (empties || !part.entries.is_empty()) {
                        next = Some(second);
                        if empties {
                            part.entries.clear();
                        }
                        self.faulted.extend(fault);
                    }
                }
            }
            Some(Fault::OtherOrigin) if self.has_links() => {
                away = true;
                next.get_or_insert_with(|| "9".to_owned());
                self.faulted.extend(fault);
            }
            _ => {}
        }
        if self.walk.second.is_none() {
            self.walk.second.clone_from(&next);
        }
        let mut fields = Map::new();
        let mut meta = Map::new();
        let unsure =
            away || self.faulted.last().is_some_and(|fault| matches!(fault, Fault::Circle | Fault::EmptyCircle));
        if self.style.has_more {
            fields.insert("has_more".into(), (part.more || unsure).into());
        }
        if self.style.is_last {
            meta.insert("is_last".into(), (!(part.more || unsure)).into());
        }
        meta.insert("total".into(), part.whole.into());
        fields.insert("meta".into(), meta.into());
        fields.insert("pages".into(), part.whole.div_ceil(part.size).into());
        let mut reply = reply(200, Vec::new());
        if let Some(next) = next.filter(|_| leads) {
            self.lead(&mut fields, &mut reply, url, &next, away);
        }
        if fault == Some(Fault::ErrorsBesideData) {
            fields.insert("errors".into(), json!([{ "message": "partly" }]));
            self.faulted.extend(fault);
        }
        let partial = if self.style.is_counted() { part.entries.len() < part.whole } else { part.more };
        if self.style.partial && partial {
            reply.status = 206;
        }
        if self.style.no_content && part.window == 0 && !first {
            reply.status = 204;
            reply.headers.clear();
            return self.dated(reply);
        }
        reply.body = self.write(part.entries.iter().map(Entry::json).collect(), fields);
        if fault == Some(Fault::HalfBody) {
            reply.body.truncate(reply.body.len() - 2);
            part.entries.clear();
            self.faulted.extend(fault);
        }
        if fault == Some(Fault::UnreadableLink) && leads && self.has_header_links() {
            reply.headers.retain(|(name, _)| *name != "link");
            reply.headers.push(("link", b"<>; rel=\"next\"".to_vec()));
            self.faulted.extend(fault);
        }
        self.dated(reply)
    }

    fn has_header_links(&self) -> bool {
        matches!(self.style.carrier, Carrier::LinkKeyset | Carrier::LinkPageInfo | Carrier::LinkPage)
    }

    fn has_links(&self) -> bool {
        let in_body = matches!(self.style.carrier, Carrier::BodyLinkKeyset | Carrier::BodyLinkPage | Carrier::PathLink);
        in_body || self.has_header_links()
    }

    /// Writes the way to the next page.
    fn lead(&self, fields: &mut Map<String, Value>, reply: &mut Reply, url: &Url, next: &str, away: bool) {
        let base = if away { "https://evil.test/items" } else { BASE };
        let kept = url.query_pairs().filter(|(name, _)| matches!(&**name, "since" | "limit"));
        let kept = kept.fold(String::new(), |kept, (name, value)| kept + &name + "=" + &value + "&");
        let link = match self.style.carrier {
            Carrier::CursorText => {
                fields.insert("next".into(), format!("c{next}x").into());
                return;
            }
            Carrier::CursorNumber => {
                fields.insert("next".into(), next.into());
                return;
            }
            Carrier::PathLink if away => format!("https://evil.test/items/c{next}x?{}", kept.trim_end_matches('&')),
            Carrier::PathLink => format!("/items/c{next}x?{}", kept.trim_end_matches('&')),
            Carrier::LinkPageInfo => format!("{base}?{kept}page_info=c{next}x"),
            Carrier::LinkPage | Carrier::BodyLinkPage => format!("{base}?{kept}page={next}"),
            _ => format!("{base}?{kept}after={next}"),
        };
        if !self.has_header_links() {
            fields.insert("next".into(), link.into());
            return;
        }
        let text = match self.style.link_form {
            0 => format!("<{link}>; rel=\"next\", <{BASE}?page=1>; rel=\"first\""),
            1 => format!("<{link}>; rel='next'"),
            2 => format!("<{link}>; title=\"Überblick, alles; \u{1f30d}\"; rel=\"next\""),
            3 => format!("no member, <{link}>; rel=next"),
            4 => format!("<>; rel=\"prev\", <{link}>; rel=\"next\""),
            _ => format!("<{BASE}?a=1,2;3>; rel=\"self last\", <{link}>; rel=\"next\"; title='it;s, next'"),
        };
        reply.headers.push(("link", text.into_bytes()));
    }

    fn dated(&self, mut reply: Reply) -> Reply {
        let date = jiff::Timestamp::from_second(self.upstream.now).unwrap();
        reply.headers.push(("date", date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string().into_bytes()));
        reply
    }

    fn write(&self, records: Vec<Value>, mut fields: Map<String, Value>) -> Vec<u8> {
        let list = if records.is_empty() && self.style.null_when_empty { Value::Null } else { records.into() };
        fields.insert("items".into(), list);
        let mut body = if self.style.mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        body.extend(Value::Object(fields).to_string().into_bytes());
        body
    }
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply { status, headers: Vec::new(), body, records: Vec::new() }
}

fn with(mut reply: Reply, name: &'static str, value: &str) -> Reply {
    reply.headers.push((name, value.as_bytes().to_vec()));
    reply
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(there, _)| there == name).map(|(_, value)| value.into_owned())
}

/// The API as a transport.
#[derive(Debug, Clone)]
pub(super) struct Api(pub(super) Arc<Mutex<World>>);

impl Transport for Api {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let (_, url, _, _) = request.into_wire()?;
            let reply = self.0.lock().unwrap().answer(&url)?;
            let mut headers = HeaderMap::new();
            for (name, value) in &reply.headers {
                headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
            }
            Ok(Incoming::whole(reply.status, headers, reply.body))
        })
    }
}
