//! Conversations as rows: each node its parent, its message and its links.
//!
//! Nodes belong to a timeline and are numbered from 1 as they appear, so a conversation that grows
//! adds one row a message. The empty conversation is node 0, which has no row.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{from_text, to_text};
use crate::model::{Answers, ContentId, Thread, ThreadInterner};
use crate::store::error::Fault;
use crate::store::key;
use crate::store::pool::{PoolReader, PoolWriter};

/// The number of a node in its timeline; 0 is the empty conversation.
pub(in crate::store) type NodeNumber = u32;

/// Writes the conversations of one timeline.
#[derive(Debug)]
pub(in crate::store) struct ThreadWriter {
    timeline: u32,
    known: HashMap<ContentId, NodeNumber>,
    last: NodeNumber,
}

impl ThreadWriter {
    /// Returns a writer for a timeline without nodes.
    pub(in crate::store) fn new(timeline: u32) -> Self {
        Self {
            timeline,
            known: HashMap::new(),
            last: 0,
        }
    }

    /// Forgets what was written, but for the numbers in use.
    pub(in crate::store) fn forget(&mut self) {
        self.known.clear();
    }

    /// Puts the messages that are not there yet and returns the conversation's node.
    pub(in crate::store) fn put(
        &mut self,
        connection: &Connection,
        pool: &mut PoolWriter,
        thread: &Thread,
    ) -> Result<NodeNumber, Fault> {
        let mut missing = Vec::new();
        let mut parent = 0;
        for ancestor in thread.ancestors() {
            if let Some(known) = self.known.get(&ancestor.id()) {
                parent = *known;
                break;
            }
            missing.push(ancestor);
        }
        for node in missing.into_iter().rev() {
            let Some(message) = node.last() else { continue };
            let message = pool.put(connection, message)?;
            let answers = match node.last_answers() {
                [] => None,
                answers => Some(to_text("links", &answers)?),
            };
            self.last = self.last.saturating_add(1);
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO node (id, parent, message, answers) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![
                    key(self.timeline, self.last),
                    (parent > 0).then_some(parent),
                    message,
                    answers
                ])?;
            parent = self.last;
            self.known.insert(node.id(), parent);
        }
        Ok(parent)
    }
}

/// Returns the conversations of a timeline by their nodes.
pub(in crate::store) fn load(
    connection: &Connection,
    timeline: u32,
    pool: &mut PoolReader,
    interner: &mut ThreadInterner,
) -> Result<HashMap<NodeNumber, Thread>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id & 4294967295, parent, message, answers FROM node
         WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
    )?;
    let mut rows = statement.query([key(timeline, 0), key(timeline, u32::MAX)])?;
    let mut threads = HashMap::from([(0, Thread::empty())]);
    while let Some(row) = rows.next()? {
        let number: NodeNumber = row.get(0)?;
        let parent: Option<NodeNumber> = row.get(1)?;
        let answers: Option<String> = row.get(3)?;
        let answers: Answers = match answers {
            Some(text) => from_text(format!("links of node {number}"), &text)?,
            None => Answers::new(),
        };
        let message = pool.message(connection, row.get(2)?)?;
        let parent = threads.get(&parent.unwrap_or(0)).ok_or_else(|| {
            Fault::row(
                format!("node {number} of timeline {timeline}"),
                "its parent is missing",
            )
        })?;
        let thread = interner.push(parent, message, answers);
        threads.insert(number, thread);
    }
    Ok(threads)
}
