//! One message for many connections.

use alloc::boxed::Box;

use super::settings::Compression;
use crate::frame::Kind;

/// A message that is made once, as it is and compressed, and sent on any number of connections. What they agreed on
/// may differ: where its compressed form would not be legal or was not agreed, it goes out as it is.
///
/// ```
/// use ws_proto::deflate::{Compression, Prepared};
/// use ws_proto::{Config, Connection};
///
/// let compression = Compression::new();
/// let tick = Prepared::text(&"price ".repeat(100), &compression);
/// let mut connections = [(); 3].map(|()| Connection::server(&Config::new()));
/// for connection in &mut connections {
///     connection.split().1.prepared(&tick)?;
/// }
/// # Ok::<(), ws_proto::SendError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prepared {
    kind: Kind,
    plain: Box<[u8]>,
    packed: Option<Box<[u8]>>,
}

impl Prepared {
    /// A text message, compressed with the level and the pool of `compression` if that makes it smaller.
    #[must_use]
    pub fn text(text: &str, compression: &Compression) -> Self {
        Self::new(Kind::Text, text.as_bytes(), compression)
    }

    /// A binary message, likewise.
    #[must_use]
    pub fn binary(bytes: &[u8], compression: &Compression) -> Self {
        Self::new(Kind::Binary, bytes, compression)
    }

    fn new(kind: Kind, message: &[u8], compression: &Compression) -> Self {
        let Compression { pool, level, .. } = compression;
        let packed = (message.len() >= compression.min_size_alone).then(|| {
            let mut deflater = pool.deflater(15, *level, None);
            deflater.owner = None;
            let smaller = deflater.restart([&[], &[]]) && deflater.compress(message);
            let packed = smaller.then(|| deflater.output().into());
            pool.give_deflater(deflater);
            packed
        });
        Self { kind, plain: message.into(), packed: packed.flatten() }
    }

    /// What the message is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its bytes, not compressed.
    #[must_use]
    pub fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// Its bytes, compressed, if that made them fewer.
    pub(crate) fn packed(&self) -> Option<&[u8]> {
        self.packed.as_deref()
    }

    /// How far the compressed form may refer back, in bytes: no further than the message is long.
    pub(crate) fn reach(&self) -> usize {
        self.plain.len().min(1 << 15)
    }
}
