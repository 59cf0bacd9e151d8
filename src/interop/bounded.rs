//! Files from elsewhere, unpacked as they are read and never without end.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use camino::Utf8Path;

/// More came than is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Endless {
    /// More bytes than the limit.
    #[error("unpacked it is larger than {0} bytes")]
    Bytes(u64),
    /// Much more than was packed.
    #[error("it unpacks to more than {MAX_RATIO} times its size, which no trace does")]
    Ratio,
}

/// How many times as large a file may be when unpacked: traces that say everything ten times come to 30.
const MAX_RATIO: u64 = 500;

/// What may come out of a small file, whatever its ratio.
const FREE: u64 = 16 << 20;

/// A file as it is unpacked.
pub(super) type Unpacked<'f> = BufReader<Box<dyn Read + 'f>>;

/// Returns a file, unpacked as often as it is packed, twice at most; `limit` bounds its bytes.
///
/// # Errors
/// The file can't be read.
pub(super) fn unpacked<'f>(file: impl Read + 'f, limit: u64) -> io::Result<Unpacked<'f>> {
    let read = Rc::new(Cell::new(0_u64));
    let counted = Counted {
        file,
        count: Rc::clone(&read),
    };
    let mut layer: Unpacked<'f> = buffered(Box::new(counted));
    for _layer in 0..2 {
        let head = layer.fill_buf()?;
        let unpacking: Box<dyn Read + 'f> = if head.starts_with(&GZIP) {
            Box::new(flate2::bufread::MultiGzDecoder::new(layer))
        } else if head.starts_with(&ZSTD) {
            Box::new(zstd::stream::read::Decoder::with_buffer(layer)?)
        } else {
            break;
        };
        layer = buffered(unpacking);
    }
    Ok(buffered(Box::new(Bounded {
        inner: layer,
        packed: read,
        taken: 0,
        limit,
    })))
}

/// Returns a file of a trace, unpacked as it is read, up to 1 GiB.
///
/// # Errors
/// The file can't be read.
pub fn open_bounded(path: &Utf8Path) -> io::Result<impl BufRead + use<>> {
    unpacked(File::open(path)?, MAX_BYTES)
}

/// The most bytes of a file, unpacked.
pub const MAX_BYTES: u64 = 1 << 30;

/// Returns the limit that a failure to read was about.
pub(super) fn endless(error: &io::Error) -> Option<Endless> {
    error.get_ref()?.downcast_ref::<Endless>().copied()
}

fn buffered<'f>(inner: Box<dyn Read + 'f>) -> Unpacked<'f> {
    BufReader::with_capacity(64 << 10, inner)
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Counts what is read.
struct Counted<R> {
    file: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.count.set(self.count.get().saturating_add(read as u64));
        Ok(read)
    }
}

/// Ends with an error where more comes than is taken.
struct Bounded<R> {
    inner: R,
    packed: Rc<Cell<u64>>,
    taken: u64,
    limit: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.taken = self.taken.saturating_add(read as u64);
        if self.taken > self.limit {
            return Err(io::Error::other(Endless::Bytes(self.limit)));
        }
        if self.taken > self.packed.get().saturating_mul(MAX_RATIO).max(FREE) {
            return Err(io::Error::other(Endless::Ratio));
        }
        Ok(read)
    }
}
