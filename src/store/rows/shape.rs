//! The shapes of wire bodies, kept in the pool: bodies of one agent mostly share them.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::model::ContentId;
use crate::store::error::Fault;
use crate::store::pool::{self, RowId};
use crate::wirecodec::Shape;

/// The most shapes that a writer remembers.
const MAX_KNOWN: usize = 1_000;

/// Puts the shapes of a timeline; the first body of a shape gives it its tokens.
#[derive(Debug, Default)]
pub(super) struct ShapeWriter {
    known: HashMap<ContentId, (RowId, Shape)>,
}

impl ShapeWriter {
    /// Puts these shapes and returns their rows, and the shapes as they stand there.
    pub(super) fn put(
        &mut self,
        connection: &Connection,
        shapes: Vec<Shape>,
    ) -> Result<(Vec<RowId>, Vec<Shape>), Fault> {
        let mut put = Vec::with_capacity(shapes.len());
        for shape in shapes {
            let id = shape.id();
            if let Some((row, known)) = self.known.get(&id)
                && pool::is_there(connection, *row)?
            {
                put.push((*row, known.clone()));
                continue;
            }
            let row = pool::put_value(connection, &shape)?;
            if self.known.len() < MAX_KNOWN {
                self.known.insert(id, (row, shape.clone()));
            }
            put.push((row, shape));
        }
        Ok(put.into_iter().unzip())
    }

    /// Forgets all shapes.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }
}

/// Reads shapes.
#[derive(Debug, Default)]
pub(super) struct ShapeReader {
    known: HashMap<RowId, Shape>,
}

impl ShapeReader {
    /// Returns the shapes in these rows.
    pub(super) fn shapes(
        &mut self,
        connection: &Connection,
        rows: &[RowId],
    ) -> Result<Vec<Shape>, Fault> {
        let mut shapes = Vec::with_capacity(rows.len());
        for row in rows {
            if !self.known.contains_key(row) {
                self.known.insert(*row, pool::value(connection, *row)?);
            }
            shapes.extend(self.known.get(row).cloned());
        }
        Ok(shapes)
    }
}
