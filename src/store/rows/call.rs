//! A call as a row, and back.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::thread::{self, NodeNumber, ThreadWriter};
use super::{from_text, to_text};
use crate::model::{
    ApiError, Attempt, Call, ContentId, Dialect, Exchange, FinishReason, Message, Pooled, Request,
    Response, Served, ThreadInterner, Treatment, Usage,
};
use crate::store::error::Fault;
use crate::store::key;
use crate::store::pool::{self, PoolReader, PoolWriter, RowId};
use crate::wirecodec;

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

/// What is a call's own.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct CallRow {
    /// The row of the [`CallHead`].
    pub(in crate::store) head: RowId,
    /// The node of the history.
    #[serde(default, skip_serializing_if = "is_zero")]
    thread: NodeNumber,
    /// The row of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) output: Option<RowId>,
    /// The rows of further answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::store) alternatives: Vec<RowId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<[u64; 5]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    call_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    volatile: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wire: Option<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<Attempt>,
    /// Beginning, first byte, end.
    us: [u64; 3],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    served: Option<Served>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &NodeNumber) -> bool {
    *number == 0
}

/// Writes a call; an earlier one with its ordinal gives way.
pub(in crate::store) fn put(
    connection: &Connection,
    timeline: u32,
    pool: &mut PoolWriter,
    threads: &mut ThreadWriter,
    call: &Call,
) -> Result<(), Fault> {
    let head = head(connection, pool, call)?;
    let head = pool.put_value(connection, &head)?;
    let response = &call.response;
    let put = |pool: &mut PoolWriter, message: &Pooled<Message>| pool.put(connection, message);
    let output = response.output.as_deref();
    let row = CallRow {
        head,
        thread: threads.put(connection, pool, &call.request.thread)?,
        output: output.map(|output| put(pool, output)).transpose()?,
        alternatives: response
            .alternatives
            .iter()
            .map(|message| put(pool, message))
            .collect::<Result<_, Fault>>()?,
        usage: response.usage.map(usage_to_row),
        error: response.error.clone(),
        id: response.id.clone(),
        call_ids: response.call_ids.clone(),
        volatile: response.volatile.clone(),
        wire: call
            .exchange
            .body
            .as_ref()
            .map(|body| wirecodec::encode(body, output.map(Pooled::value))),
        truncated: call.exchange.truncated,
        attempts: call.attempts.clone(),
        us: [call.began_us, call.first_byte_us, call.ended_us],
        served: call.served.clone(),
    };
    let fingerprint = call.exchange.fingerprint.as_ref().map(ContentId::as_bytes);
    connection
        .prepare_cached("INSERT OR REPLACE INTO call (id, fingerprint, body) VALUES (?1, ?2, ?3)")?
        .execute(params![
            key(timeline, call.ordinal),
            fingerprint.map(<[u8; 32]>::as_slice),
            to_text("call", &row)?
        ])?;
    Ok(())
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
    let mut heads: HashMap<RowId, (CallHead, Arc<Treatment>)> = HashMap::new();
    let mut statement = connection.prepare_cached(
        "SELECT id & 4294967295, fingerprint, body FROM call
         WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    )?;
    let mut rows = statement.query([key(timeline, 0), key(timeline, u32::MAX)])?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        let place = Place {
            ordinal: row.get(0)?,
            timeline,
        };
        let fingerprint: Option<[u8; 32]> = row.get(1)?;
        let text: String = row.get(2)?;
        let row: CallRow = from_text(&place, &text)?;
        if !heads.contains_key(&row.head) {
            let head: CallHead = pool::value(connection, row.head)?;
            let treatment = treatment(connection, pool, &head)?;
            heads.insert(row.head, (head, Arc::new(treatment)));
        }
        let Some((head, treatment)) = heads.get(&row.head) else {
            continue;
        };
        let thread = threads
            .get(&row.thread)
            .ok_or_else(|| Fault::row(&place, "its conversation is missing"))?;
        let request = Request {
            dialect: head.dialect,
            treatment: Arc::clone(treatment),
            thread: thread.clone(),
            stream: head.stream,
            agent: head.agent.clone(),
        };
        let response = response(connection, pool, head, &row)?;
        let exchange = exchange(head, &row, fingerprint, &response)
            .map_err(|error| Fault::row(&place, error))?;
        calls.push(Arc::new(assemble(
            place.ordinal,
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
    ordinal: u32,
    head: &CallHead,
    row: CallRow,
    (request, response, exchange): (Request, Response, Exchange),
) -> Call {
    let [began_us, first_byte_us, ended_us] = row.us;
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
    head: &CallHead,
    row: &CallRow,
) -> Result<Response, Fault> {
    let mut message = |row: &RowId| pool.message(connection, *row);
    Ok(Response {
        output: row.output.as_ref().map(&mut message).transpose()?,
        alternatives: row
            .alternatives
            .iter()
            .map(&mut message)
            .collect::<Result<_, Fault>>()?,
        finish: head.finish.clone(),
        model: head.answered_by.clone(),
        usage: row.usage.map(usage_from_row),
        error: row.error.clone(),
        id: row.id.clone(),
        call_ids: row.call_ids.clone(),
        volatile: row.volatile.clone(),
    })
}

fn exchange(
    head: &CallHead,
    row: &CallRow,
    fingerprint: Option<[u8; 32]>,
    response: &Response,
) -> Result<Exchange, wirecodec::CodecError> {
    let output = response.output.as_deref().map(Pooled::value);
    Ok(Exchange {
        method: head.method.clone(),
        path: head.path.clone(),
        fingerprint: fingerprint.map(ContentId::from_bytes),
        status: head.status,
        headers: head.headers.clone(),
        body: row
            .wire
            .as_ref()
            .map(|wire| wirecodec::decode(wire, output))
            .transpose()?,
        truncated: row.truncated,
    })
}

fn usage_to_row(usage: Usage) -> [u64; 5] {
    let Usage {
        input,
        cached_input,
        cache_write,
        output,
        reasoning,
    } = usage;
    [input, cached_input, cache_write, output, reasoning]
}

fn usage_from_row([input, cached_input, cache_write, output, reasoning]: [u64; 5]) -> Usage {
    Usage {
        input,
        cached_input,
        cache_write,
        output,
        reasoning,
    }
}
