//! The events of a streamed body, packed where there are many.
//!
//! A long stream repeats its envelope in every event: 100 MB of it are a few MB when compressed. So all
//! but the latest events are kept in compressed blocks, and are unpacked one block at a time.

use std::fmt;
use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes};

/// One event of a streamed body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamEvent {
    /// Microseconds since the event before it (for the first: since the response head).
    pub delay_us: u64,
    /// The bytes of the event with the blank line that ends it.
    pub bytes: Bytes,
}

/// A list of events; to clone it is cheap.
#[derive(Clone, Default)]
pub struct Events {
    sealed: Vec<Block>,
    open: Arc<Vec<StreamEvent>>,
    /// How many bytes the open events have.
    open_bytes: usize,
    /// How many events and bytes are in the sealed blocks.
    sealed_count: usize,
    sealed_bytes: usize,
    /// How many bytes the sealed blocks take.
    packed_bytes: usize,
}

/// Events in packed form: for each its delay (8 bytes), its length (8 bytes), both little-endian, and
/// its bytes; all of it compressed with zstd.
#[derive(Clone)]
struct Block {
    packed: Bytes,
    /// The length before compression.
    length: usize,
}

impl Events {
    /// Adds an event at the end.
    pub fn push(&mut self, event: StreamEvent) {
        self.open_bytes = self.open_bytes.saturating_add(event.bytes.len());
        Arc::make_mut(&mut self.open).push(event);
        if self.open_bytes >= BLOCK_BYTES || self.open.len() >= BLOCK_EVENTS {
            self.seal();
        }
    }

    /// Returns the number of events.
    pub fn len(&self) -> usize {
        self.sealed_count.saturating_add(self.open.len())
    }

    /// Returns whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of bytes of all events.
    pub fn byte_len(&self) -> usize {
        self.sealed_bytes.saturating_add(self.open_bytes)
    }

    /// Returns how many bytes the events take in memory, the small change aside.
    pub fn memory(&self) -> usize {
        self.packed_bytes.saturating_add(self.open_bytes)
    }

    /// Returns the events in order; of the packed ones, those of one block are in memory at a time.
    pub fn iter(&self) -> impl Iterator<Item = StreamEvent> + '_ {
        let sealed = self.sealed.iter().flat_map(|block| {
            // What was packed here or checked in `from_packed` unpacks.
            block.unpack().unwrap_or_default()
        });
        sealed.chain(self.open.iter().cloned())
    }

    /// Returns the events in packed form; [`from_packed`](Self::from_packed) leads back.
    ///
    /// `None` where they can't be packed.
    pub fn to_packed(&self) -> Option<Vec<Bytes>> {
        let mut blocks: Vec<Bytes> = Vec::with_capacity(self.sealed.len().saturating_add(1));
        blocks.extend(self.sealed.iter().map(|block| block.packed.clone()));
        if !self.open.is_empty() {
            blocks.push(Block::pack(&self.open)?.packed);
        }
        Some(blocks)
    }

    /// Returns the events of blocks in packed form; `None` where one is damaged, or far larger than any
    /// that is ever packed.
    pub fn from_packed(blocks: Vec<Bytes>) -> Option<Self> {
        let mut all = Self::default();
        for packed in blocks {
            let length = zstd::zstd_safe::get_frame_content_size(&packed).ok()??;
            let length = usize::try_from(length)
                .ok()
                .filter(|length| *length <= MAX_BLOCK)?;
            let block = Block { packed, length };
            let events = block.unpack()?;
            all.packed_bytes = all.packed_bytes.saturating_add(block.packed.len());
            all.sealed_count = all.sealed_count.saturating_add(events.len());
            let bytes: usize = events.iter().map(|event| event.bytes.len()).sum();
            all.sealed_bytes = all.sealed_bytes.saturating_add(bytes);
            all.sealed.push(block);
        }
        Some(all)
    }

    fn seal(&mut self) {
        let Some(block) = Block::pack(&self.open) else {
            // They stay as they are, and the next event tries again.
            return;
        };
        self.packed_bytes = self.packed_bytes.saturating_add(block.packed.len());
        self.sealed.push(block);
        self.sealed_count = self.len();
        self.sealed_bytes = self.byte_len();
        self.open = Arc::default();
        self.open_bytes = 0;
    }
}

impl Block {
    fn pack(events: &[StreamEvent]) -> Option<Self> {
        let mut raw = Vec::new();
        for event in events {
            raw.put_u64_le(event.delay_us);
            raw.put_u64_le(event.bytes.len() as u64);
            raw.put_slice(&event.bytes);
        }
        let length = raw.len();
        // Copied, because the compressor's own buffer is as large as what went in.
        let packed = Bytes::copy_from_slice(&zstd::bulk::compress(&raw, LEVEL).ok()?);
        (length <= MAX_BLOCK).then_some(Self { packed, length })
    }

    fn unpack(&self) -> Option<Vec<StreamEvent>> {
        let raw = zstd::bulk::decompress(&self.packed, self.length).ok()?;
        let mut raw = Bytes::from(raw);
        let mut events = Vec::new();
        while !raw.is_empty() {
            let delay_us = raw.try_get_u64_le().ok()?;
            let length = usize::try_from(raw.try_get_u64_le().ok()?).ok()?;
            if length > raw.len() {
                return None;
            }
            let bytes = raw.split_to(length);
            events.push(StreamEvent { delay_us, bytes });
        }
        Some(events)
    }
}

impl Extend<StreamEvent> for Events {
    fn extend<I: IntoIterator<Item = StreamEvent>>(&mut self, events: I) {
        for event in events {
            self.push(event);
        }
    }
}

impl FromIterator<StreamEvent> for Events {
    fn from_iter<I: IntoIterator<Item = StreamEvent>>(events: I) -> Self {
        let mut all = Self::default();
        all.extend(events);
        all
    }
}

impl From<Vec<StreamEvent>> for Events {
    fn from(events: Vec<StreamEvent>) -> Self {
        events.into_iter().collect()
    }
}

impl PartialEq for Events {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.byte_len() == other.byte_len()
            && self.iter().eq(other.iter())
    }
}

impl Eq for Events {}

impl fmt::Debug for Events {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// A block is sealed when its events have so many bytes, or are so many.
const BLOCK_BYTES: usize = 256 << 10;
const BLOCK_EVENTS: usize = 4_096;
/// No block has more; the largest ones are single events.
const MAX_BLOCK: usize = 320 << 20;
/// The fastest level that still looks for repetitions: envelopes are equal to the byte.
const LEVEL: i32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> StreamEvent {
        StreamEvent {
            delay_us: number as u64 * 3,
            bytes: Bytes::from(format!(
                "data: {{\"n\": {number}, \"same\": \"{}\"}}\n\n",
                "x".repeat(200)
            )),
        }
    }

    #[test]
    fn many_events_come_back_as_they_were_and_take_little_room() {
        let all: Vec<StreamEvent> = (0..20_000).map(event).collect();
        let events = Events::from(all.clone());
        assert_eq!(events.len(), all.len());
        let bytes: usize = all.iter().map(|event| event.bytes.len()).sum();
        assert_eq!(events.byte_len(), bytes);
        assert!(events.iter().eq(all));
        let packed: usize = events.to_packed().unwrap().iter().map(Bytes::len).sum();
        assert!(packed * 10 < bytes, "{packed} of {bytes}");
    }

    #[test]
    fn packed_events_lead_back_and_damaged_ones_are_refused() {
        for count in [0, 1, 5_000] {
            let events: Events = (0..count).map(event).collect();
            let packed = events.to_packed().unwrap();
            assert_eq!(Events::from_packed(packed.clone()), Some(events));
            for mut block in packed {
                block.truncate(block.len() - 1);
                assert_eq!(Events::from_packed(vec![block]), None);
            }
        }
        assert_eq!(
            Events::from_packed(vec![Bytes::from_static(b"no zstd")]),
            None
        );
        // A whole frame whose event says that it is longer than the frame.
        let lie = zstd::bulk::compress(&[0xff; 20], LEVEL).unwrap();
        assert_eq!(Events::from_packed(vec![lie.into()]), None);
    }

    #[test]
    fn what_is_added_to_a_copy_does_not_show_in_the_other() {
        let one: Events = (0..3).map(event).collect();
        let mut other = one.clone();
        other.push(event(3));
        assert_eq!((one.len(), other.len()), (3, 4));
        assert_ne!(one, other);
    }
}
