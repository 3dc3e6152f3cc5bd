//! Reading to where a message belongs, for tests and for the fuzzer.

use ws_proto::Reader;

/// Moves what there is room for; whether that ends a message.
pub(crate) fn fill_room(reader: &mut Reader, input: &mut &mut [u8]) -> bool {
    while !input.is_empty()
        && let Some(room) = reader.room(1)
    {
        let n = room.len().min(input.len());
        let (piece, rest) = core::mem::take(input).split_at_mut(n);
        room[..n].copy_from_slice(piece);
        *input = rest;
        if reader.filled(n) {
            return true;
        }
    }
    false
}
