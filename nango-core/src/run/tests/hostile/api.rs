//! API that responds in its style, changes its list after each response, and misbehaves.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    super::trace::Trace,
    fault::Fault,
    reply::{Reply, query, reply},
    style::{LIMIT, PositionCarrier, Style},
    upstream::{Entry, Upstream},
};
use crate::{http::TransportError, rng::Rng};

pub(super) const BASE: &str = "https://api.test/items";

/// Records that were returned to a walk since its first request.
#[derive(Debug, Default)]
pub(super) struct WalkLog {
    /// Records that existed at the first request and match the request.
    pub(super) at_start: Vec<u64>,
    pub(super) served: BTreeSet<u64>,
    pub(super) since: Option<i64>,
    /// Position of the second page.
    second_position: Option<String>,
}

#[derive(Debug)]
pub(super) struct HostileApi {
    pub(super) rng: Rng,
    pub(super) upstream: Upstream,
    pub(super) style: Style,
    /// Probability of a change of each kind after each response, in percent.
    pub(super) change_percent: u64,
    /// Probability of a fault in each response, in percent.
    pub(super) fault_percent: u64,
    /// Number of requests after which the run is cancelled.
    pub(super) cancel_after: Option<(u64, CancellationToken)>,
    pub(super) walk: WalkLog,
    /// Faults of this run.
    pub(super) injected: Vec<Fault>,
    /// Whether the first page was requested in this run.
    pub(super) from_start: bool,
    pub(super) trace: Trace,
    pub(super) last_reply: Option<Reply>,
}

/// Page before it is serialized.
struct ListSlice {
    entries: Vec<Entry>,
    /// Number of records before the filter.
    length: usize,
    has_more: bool,
    total: usize,
    size: usize,
    /// Position of the next page.
    next: String,
}

impl HostileApi {
    pub(super) fn new(rng: Rng, upstream: Upstream, style: Style) -> Self {
        Self {
            rng,
            upstream,
            style,
            change_percent: 0,
            fault_percent: 0,
            cancel_after: None,
            walk: WalkLog::default(),
            injected: Vec::new(),
            from_start: false,
            trace: Trace::default(),
            last_reply: None,
        }
    }

    /// Returns whether the connection may see a record.
    pub(super) fn is_visible(&self, id: u64) -> bool {
        !self.style.filtered || !id.is_multiple_of(12)
    }

    pub(super) fn respond(&mut self, url: &Url) -> Result<Reply, TransportError> {
        self.upstream.now += 1 + i64::try_from(self.rng.below(3)).unwrap();
        if let Some((left, cancellation)) = &mut self.cancel_after {
            *left = left.saturating_sub(1);
            if *left == 0 {
                cancellation.cancel();
            }
        }
        let reply = if url.host_str() == Some("evil.test") {
            Ok(reply(200, self.write(Vec::new(), Map::new())))
        } else if let Some(id) = url.path().strip_prefix("/items/").and_then(|id| id.parse().ok()) {
            Ok(self.single_record(id))
        } else {
            self.page(url)
        };
        let (rng, churn) = (&mut self.rng, self.change_percent);
        self.upstream.change(rng, churn);
        let short = match &reply {
            Ok(reply) => format!("{} {:?}", reply.status, reply.records),
            Err(error) => error.to_string(),
        };
        self.trace.add(format!("{url} → {short}"));
        reply
    }

    fn single_record(&self, id: u64) -> Reply {
        match self.upstream.entries.iter().find(|entry| entry.id == id) {
            Some(entry) => reply(200, entry.json().to_string().into_bytes()),
            None => reply(404, b"{}".to_vec()),
        }
    }

    fn position(&self, url: &Url) -> Option<String> {
        let name = match self.style.carrier {
            PositionCarrier::PathLink => {
                return url.path().strip_prefix("/items/c").map(|key| key.trim_end_matches('x').to_owned());
            }
            PositionCarrier::LinkPageInfo => "page_info",
            PositionCarrier::LinkPage | PositionCarrier::BodyLinkPage | PositionCarrier::Page => "page",
            PositionCarrier::Offset => "offset",
            _ => "after",
        };
        let value = query(url, name)?;
        Some(value.strip_prefix('c').and_then(|value| value.strip_suffix('x')).unwrap_or(&value).to_owned())
    }

    fn page(&mut self, url: &Url) -> Result<Reply, TransportError> {
        let position = self.position(url);
        let since = query(url, "since").and_then(|since| since.parse().ok());
        let first = match self.style.carrier {
            PositionCarrier::Offset => position.as_deref() == Some("0"),
            PositionCarrier::Page => position.as_deref() == Some("1"),
            _ => position.is_none(),
        };
        let mut interrupted = None;
        if first && query(url, "moved").is_none() {
            let ids: Vec<u64> = self.upstream.view(since).iter().map(|entry| entry.id).collect();
            let at_start = ids.into_iter().filter(|id| self.is_visible(*id)).collect();
            interrupted = Some(std::mem::replace(&mut self.walk, WalkLog { at_start, since, ..WalkLog::default() }));
            self.from_start = true;
            self.last_reply = None;
            self.injected.clear();
        }
        let faults = self.fault_percent;
        let fault = self.rng.percent(faults).then(|| *self.rng.choose(&Fault::ALL));
        if let Some(reply) = fault.and_then(|fault| self.fault_instead(fault, url)) {
            // Without its first page the walk has not begun, so that the next run continues the interrupted one. A
            // redirected request is still its first.
            if let Some(walk) = interrupted.filter(|_| fault != Some(Fault::Redirect)) {
                self.walk = walk;
            }
            return reply;
        }
        let mut slice = self.slice_list(position.as_deref(), since, fault);
        if let Some((status, _)) = self.style.end_status
            && self.style.is_counted()
            && !first
            && slice.length == 0
        {
            return Ok(reply(status, b"{}".to_vec()));
        }
        let mut reply = self.build_reply(url, &mut slice, first, fault);
        reply.records = slice.entries.iter().map(|entry| entry.id).collect();
        // A page without a next page is not stored; it is served again after a circle.
        let dropped =
            matches!(fault, Some(Fault::Circle | Fault::UnreadableLink)) && self.injected.last() == fault.as_ref();
        if !dropped {
            self.walk.served.extend(&reply.records);
        }
        self.last_reply = Some(reply.clone());
        Ok(reply)
    }

    /// Starts another attempt: a page of an earlier attempt is not repeated.
    pub(super) fn clear_last_reply(&mut self) {
        self.last_reply = None;
    }

    fn slice_list(&mut self, position: Option<&str>, since: Option<i64>, fault: Option<Fault>) -> ListSlice {
        let size = if self.style.carrier == PositionCarrier::Single { usize::MAX } else { LIMIT.min(self.style.cap) };
        let number = position.and_then(|position| position.parse::<u64>().ok());
        let visible = self.upstream.view(since);
        let mut served = size;
        // A single short page of a walk by page number would hide the records that it lacks.
        let by_page = matches!(
            self.style.carrier,
            PositionCarrier::Page | PositionCarrier::LinkPage | PositionCarrier::BodyLinkPage
        );
        if fault == Some(Fault::ShortPage) && !by_page && self.style.carrier != PositionCarrier::Single {
            served = 1 + self.rng.index(size);
            self.injected.push(Fault::ShortPage);
        }
        let (rest, next_number) = match self.style.carrier {
            PositionCarrier::Offset => {
                let start = usize::try_from(number.unwrap_or(0)).unwrap().min(visible.len());
                (visible[start..].to_vec(), 0)
            }
            PositionCarrier::Page | PositionCarrier::LinkPage | PositionCarrier::BodyLinkPage => {
                let page = number.unwrap_or(1).max(1);
                let start = usize::try_from(page - 1).unwrap().saturating_mul(size).min(visible.len());
                (visible[start..].to_vec(), page + 1)
            }
            _ => (self.upstream.after_key(number, since), 0),
        };
        let window: Vec<Entry> = rest.iter().take(served).cloned().collect();
        let next = if by_page {
            next_number.to_string()
        } else {
            window.last().map_or_else(|| position.unwrap_or("0").to_owned(), |last| last.key.to_string())
        };
        let more = rest.len() > window.len();
        let length = window.len();
        let entries = window.into_iter().filter(|entry| self.is_visible(entry.id)).collect();
        ListSlice { entries, length, has_more: more, total: visible.len(), size, next }
    }

    fn build_reply(&mut self, url: &Url, slice: &mut ListSlice, first: bool, fault: Option<Fault>) -> Reply {
        let mut next = (slice.has_more || self.style.always_cursor).then(|| slice.next.clone());
        let has_next_link = !self.style.is_counted()
            && !matches!(self.style.carrier, PositionCarrier::LastItem | PositionCarrier::Single);
        let mut away = false;
        match fault {
            Some(Fault::Circle | Fault::EmptyCircle) if has_next_link && !first => {
                if let Some(second) = self.walk.second_position.clone().filter(|second| Some(second) != next.as_ref()) {
                    let here = self.position(url);
                    let empties = fault == Some(Fault::EmptyCircle);
                    if here.as_ref() != Some(&second) && (empties || !slice.entries.is_empty()) {
                        next = Some(second);
                        if empties {
                            slice.entries.clear();
                        }
                        self.injected.extend(fault);
                    }
                }
            }
            Some(Fault::OtherOrigin) if self.has_links() => {
                away = true;
                next.get_or_insert_with(|| "9".to_owned());
                self.injected.extend(fault);
            }
            _ => {}
        }
        if self.walk.second_position.is_none() {
            self.walk.second_position.clone_from(&next);
        }
        let mut fields = Map::new();
        let mut meta = Map::new();
        let is_circular =
            away || self.injected.last().is_some_and(|fault| matches!(fault, Fault::Circle | Fault::EmptyCircle));
        if self.style.has_more {
            fields.insert("has_more".into(), (slice.has_more || is_circular).into());
        }
        if self.style.is_last {
            meta.insert("is_last".into(), (!(slice.has_more || is_circular)).into());
        }
        meta.insert("total".into(), slice.total.into());
        fields.insert("meta".into(), meta.into());
        fields.insert("pages".into(), slice.total.div_ceil(slice.size).into());
        let mut reply = reply(200, Vec::new());
        if let Some(next) = next.filter(|_| has_next_link) {
            self.write_next_link(&mut fields, &mut reply, url, &next, away);
        }
        if fault == Some(Fault::ErrorsBesideData) {
            fields.insert("errors".into(), json!([{ "message": "partly" }]));
            self.injected.extend(fault);
        }
        if fault == Some(Fault::DeclaredPartial) {
            fields.insert("warning".into(), "a part is offline".into());
            self.injected.extend(fault);
        }
        let partial = if self.style.is_counted() { slice.entries.len() < slice.total } else { slice.has_more };
        if self.style.partial && partial {
            reply.status = 206;
        }
        if self.style.no_content && slice.length == 0 && !first {
            reply.status = 204;
            reply.headers.clear();
            return self.with_date_header(reply);
        }
        reply.body = self.write(slice.entries.iter().map(Entry::json).collect(), fields);
        if fault == Some(Fault::HalfBody) {
            reply.body.truncate(reply.body.len() - 2);
            slice.entries.clear();
            self.injected.extend(fault);
        }
        if fault == Some(Fault::UnreadableLink) && has_next_link && self.has_header_links() {
            reply.headers.retain(|(name, _)| *name != "link");
            reply.headers.push(("link", b"<>; rel=\"next\"".to_vec()));
            self.injected.extend(fault);
        }
        self.with_date_header(reply)
    }

    fn with_date_header(&self, mut reply: Reply) -> Reply {
        let date = jiff::Timestamp::from_second(self.upstream.now).unwrap();
        reply.headers.push(("date", date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string().into_bytes()));
        reply
    }

    pub(super) fn write(&self, records: Vec<Value>, mut fields: Map<String, Value>) -> Vec<u8> {
        let list = if records.is_empty() && self.style.null_when_empty {
            "null".to_owned()
        } else if self.style.object {
            // Written as text, because a `Map` would sort the keys.
            let entries: Vec<String> = records.iter().map(|record| format!("\"k{}\":{record}", record["id"])).collect();
            format!("{{{}}}", entries.join(","))
        } else {
            Value::from(records).to_string()
        };
        fields.entry("ok").or_insert(true.into());
        let fields = Value::Object(fields).to_string();
        let mut body = if self.style.byte_order_mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        body.extend(format!("{{\"items\":{list},{}", &fields[1..]).into_bytes());
        body
    }
}
