//! Text in pieces, against the standard library.

use ws_proto::utf8::Utf8;

/// `data`: the length of a piece, less one; then text, or not. The validator must agree with the standard library, in
/// one piece, in such pieces and byte by byte, where it must fail at the first byte that cannot be.
pub fn utf8(data: &[u8]) {
    let Some((&step, text)) = data.split_first() else { return };
    let expected = core::str::from_utf8(text);
    for step in [text.len().max(1), usize::from(step) + 1] {
        let mut validator = Utf8::new();
        let valid = text.chunks(step).all(|piece| validator.push(piece).is_ok());
        assert_eq!(valid && validator.is_complete(), expected.is_ok(), "{text:02x?} in pieces of {step}");
    }

    // Where it must fail; an unfinished end is no failure yet.
    let bad = expected.err().and_then(|error| {
        let from = error.valid_up_to();
        // A byte that begins nothing is bad itself, else it is the one behind the good beginning.
        let begins = matches!(text[from], 0xc2..=0xf4);
        error.error_len().map(|len| if begins { from + len } else { from })
    });
    let mut validator = Utf8::new();
    let failed = text.iter().position(|byte| validator.push(&[*byte]).is_err());
    assert_eq!(failed, bad, "{text:02x?}");
}
