//! A call as a row, and back.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::columns::Columns;
use super::shape::ShapeReader;
use super::thread;
use super::{Pens, from_text, to_text};
use crate::model::{
    ApiError, Attempt, Body, Call, ContentId, Dialect, Exchange, FinishReason, Lost, Message,
    Pooled, Request, Response, Served, ThreadInterner, Treatment,
};
use crate::store::error::Fault;
use crate::store::key;
use crate::store::pool::{self, PoolReader, PoolWriter, RowId};
use crate::wirecodec::{self, Known};

/// What calls of an agent mostly have in common.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct CallHead {
    provider: String,
    dialect: Dialect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// The rows of the system messages.
    pub(in crate::store) system: Vec<RowId>,
    /// The row of the tool definitions.
    pub(in crate::store) tools: RowId,
    /// The row of the settings.
    pub(in crate::store) settings: RowId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    no_ops: Map<String, Value>,
    method: String,
    path: String,
    status: u16,
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finish: Option<FinishReason>,
}

/// What is a call's own and has no column.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct CallRow {
    /// The rows of further answers.
    #[serde(rename = "alt", default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::store) alternatives: Vec<RowId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "ids", default, skip_serializing_if = "Vec::is_empty")]
    call_ids: Vec<String>,
    #[serde(rename = "v", default, skip_serializing_if = "Map::is_empty")]
    volatile: Map<String, Value>,
    /// The wire body, its `from` aside.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    wire: Option<Value>,
    /// The rows of the shapes that the wire body is told by.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::store) shapes: Vec<RowId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<Attempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    served: Option<Served>,
    /// Absent in databases of earlier versions.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    lost: BTreeSet<Lost>,
}

/// Writes a call; an earlier one with its ordinal gives way.
pub(in crate::store) fn put(
    connection: &Connection,
    pens: &mut Pens,
    call: &Call,
) -> Result<(), Fault> {
    let pool = &mut pens.pool;
    let head = head(connection, pool, call)?;
    let head = pool::put_value(connection, &head)?;
    let response = &call.response;
    let put = |pool: &mut PoolWriter, message: &Pooled<Message>| pool.put(connection, message);
    let output = response.output.as_deref();
    let body = call.exchange.body.as_ref();
    let shapes = body.map_or_else(Vec::new, wirecodec::shapes);
    let (shape_rows, shapes) = pens.shapes.put(connection, shapes)?;
    let ids = ids(response);
    let known = Known {
        output: output.map(Pooled::value),
        ids: &ids,
        shapes: &shapes,
    };
    let mut wire = body.map(|body| wirecodec::encode(body, known));
    let from = wire
        .as_mut()
        .and_then(Value::as_object_mut)
        .and_then(|wire| wire.remove("from"));
    let node = pens.threads.put(connection, pool, &call.request.thread)?;
    let output_row = output.map(|output| put(pool, output)).transpose()?;
    let from = from
        .map(|from| pool::put_value(connection, &from))
        .transpose()?;
    let row = CallRow {
        alternatives: response
            .alternatives
            .iter()
            .map(|message| put(pool, message))
            .collect::<Result<_, Fault>>()?,
        error: response.error.clone(),
        id: response.id.clone(),
        call_ids: response.call_ids.clone(),
        volatile: response.volatile.clone(),
        wire,
        shapes: shape_rows,
        truncated: call.exchange.truncated,
        attempts: call.attempts.clone(),
        served: call.served.clone(),
        lost: call.lost.clone(),
    };
    let columns = Columns {
        head,
        node,
        output: output_row,
        from,
        us: [call.began_us, call.first_byte_us, call.ended_us],
        usage: response.usage,
        fingerprint: call.exchange.fingerprint,
    };
    columns.insert(
        connection,
        key(pens.timeline, call.ordinal),
        &to_text("call", &row)?,
    )
}

fn head(connection: &Connection, pool: &mut PoolWriter, call: &Call) -> Result<CallHead, Fault> {
    let treatment = &call.request.treatment;
    Ok(CallHead {
        provider: call.provider.clone(),
        dialect: call.request.dialect,
        model: treatment.model.clone(),
        system: treatment
            .system
            .iter()
            .map(|message| pool.put(connection, message))
            .collect::<Result<_, Fault>>()?,
        tools: pool.put(connection, &treatment.tools)?,
        settings: pool.put(connection, &treatment.settings)?,
        stream: call.request.stream,
        agent: call.request.agent.clone(),
        no_ops: call.no_ops.clone(),
        method: call.exchange.method.clone(),
        path: call.exchange.path.clone(),
        status: call.exchange.status,
        headers: call.exchange.headers.clone(),
        answered_by: call.response.model.clone(),
        finish: call.response.finish.clone(),
    })
}

/// Returns the calls of a timeline in the order of their ordinals.
pub(in crate::store) fn load(
    connection: &Connection,
    timeline: u32,
    pool: &mut PoolReader,
    interner: &mut ThreadInterner,
) -> Result<Vec<Arc<Call>>, Fault> {
    let threads = thread::load(connection, timeline, pool, interner)?;
    let mut shapes = ShapeReader::default();
    let mut heads: HashMap<RowId, (CallHead, Arc<Treatment>)> = HashMap::new();
    let mut statement = connection.prepare_cached(Columns::SELECT)?;
    let mut rows = statement.query([key(timeline, 0), key(timeline, u32::MAX)])?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        let place = Place {
            ordinal: row.get("ordinal")?,
            timeline,
        };
        let columns = Columns::of(row)?;
        let text: String = row.get("body")?;
        let row: CallRow = from_text(&place, &text)?;
        let (head, treatment) = match heads.entry(columns.head) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let head: CallHead = pool::value(connection, columns.head)?;
                let treatment = treatment(connection, pool, &head)?;
                place.insert((head, Arc::new(treatment)))
            }
        };
        let thread = threads
            .get(&columns.node)
            .ok_or_else(|| Fault::row(&place, "its conversation is missing"))?;
        let request = Request {
            dialect: head.dialect,
            treatment: Arc::clone(treatment),
            thread: thread.clone(),
            stream: head.stream,
            agent: head.agent.clone(),
        };
        let response = response(connection, pool, (head, &columns), &row)?;
        let body = body(connection, &mut shapes, (&columns, &row), &response)?;
        let exchange = exchange(head, &row, columns.fingerprint, body);
        calls.push(Arc::new(assemble(
            (place.ordinal, columns.us),
            head,
            row,
            (request, response, exchange),
        )));
    }
    Ok(calls)
}

/// Which call a fault is about.
struct Place {
    timeline: u32,
    ordinal: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "call {} of timeline {}", self.ordinal, self.timeline)
    }
}

fn assemble(
    (ordinal, us): (u32, [u64; 3]),
    head: &CallHead,
    row: CallRow,
    (request, response, exchange): (Request, Response, Exchange),
) -> Call {
    let [began_us, first_byte_us, ended_us] = us;
    Call {
        ordinal,
        provider: head.provider.clone(),
        request,
        no_ops: head.no_ops.clone(),
        response,
        exchange,
        attempts: row.attempts,
        began_us,
        first_byte_us,
        ended_us,
        served: row.served,
        lost: row.lost,
    }
}

fn treatment(
    connection: &Connection,
    pool: &mut PoolReader,
    head: &CallHead,
) -> Result<Treatment, Fault> {
    Ok(Treatment {
        model: head.model.clone(),
        system: head
            .system
            .iter()
            .map(|row| pool.message(connection, *row))
            .collect::<Result<_, Fault>>()?,
        tools: pool::pooled(connection, head.tools)?,
        settings: pool::pooled(connection, head.settings)?,
    })
}

fn response(
    connection: &Connection,
    pool: &mut PoolReader,
    (head, columns): (&CallHead, &Columns),
    row: &CallRow,
) -> Result<Response, Fault> {
    let mut message = |row: &RowId| pool.message(connection, *row);
    Ok(Response {
        output: columns.output.as_ref().map(&mut message).transpose()?,
        alternatives: row
            .alternatives
            .iter()
            .map(&mut message)
            .collect::<Result<_, Fault>>()?,
        finish: head.finish.clone(),
        model: head.answered_by.clone(),
        usage: columns.usage,
        error: row.error.clone(),
        id: row.id.clone(),
        call_ids: row.call_ids.clone(),
        volatile: row.volatile.clone(),
    })
}

/// Returns the provider's ids, which the wire body repeats.
fn ids(response: &Response) -> Vec<&str> {
    let calls = response.call_ids.iter().map(String::as_str);
    response.id.as_deref().into_iter().chain(calls).collect()
}

fn body(
    connection: &Connection,
    shapes: &mut ShapeReader,
    (columns, row): (&Columns, &CallRow),
    response: &Response,
) -> Result<Option<Body>, Fault> {
    let Some(mut wire) = row.wire.clone() else {
        return Ok(None);
    };
    if let (Some(from), Some(wire)) = (columns.from, wire.as_object_mut()) {
        wire.insert("from".to_owned(), pool::value(connection, from)?);
    }
    let known = Known {
        output: response.output.as_deref().map(Pooled::value),
        ids: &ids(response),
        shapes: &shapes.shapes(connection, &row.shapes)?,
    };
    let body = wirecodec::decode(&wire, known).map_err(|error| Fault::row("wire body", error))?;
    Ok(Some(body))
}

fn exchange(
    head: &CallHead,
    row: &CallRow,
    fingerprint: Option<ContentId>,
    body: Option<Body>,
) -> Exchange {
    Exchange {
        method: head.method.clone(),
        path: head.path.clone(),
        fingerprint,
        status: head.status,
        headers: head.headers.clone(),
        body,
        truncated: row.truncated,
    }
}
