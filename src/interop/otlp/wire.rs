//! The protobuf encoding, as far as reading needs it: fields in order, nothing kept.
//!
//! Source: <https://protobuf.dev/programming-guides/encoding/>.

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field<'b> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'b [u8]),
}

/// Bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no protobuf message")]
pub(super) struct NoMessage;

/// The fields of a message.
#[derive(Debug, Clone)]
pub(super) struct Fields<'b> {
    rest: &'b [u8],
}

impl<'b> Fields<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], NoMessage> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(NoMessage)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn varint(&mut self) -> Result<u64, NoMessage> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.take(1)?.first().copied().ok_or(NoMessage)?;
            let bits = u64::from(byte & 0x7f);
            value |= bits.checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(NoMessage)
    }

    fn field(&mut self) -> Result<(u64, Field<'b>), NoMessage> {
        let key = self.varint()?;
        let number = key >> 3;
        if number == 0 {
            return Err(NoMessage);
        }
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?.try_into().map_err(|_error| NoMessage)?;
                Field::Fixed64(u64::from_le_bytes(bytes))
            }
            2 => {
                let count = self.varint()?;
                Field::Bytes(self.take(usize::try_from(count).map_err(|_error| NoMessage)?)?)
            }
            5 => {
                let bytes = self.take(4)?.try_into().map_err(|_error| NoMessage)?;
                Field::Fixed32(u32::from_le_bytes(bytes))
            }
            // Groups were never used here.
            _ => return Err(NoMessage),
        };
        Ok((number, field))
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Result<(u64, Field<'b>), NoMessage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}
