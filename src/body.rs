//! The payload of a control frame, by value.

use core::fmt;
use core::ops::Deref;

/// Up to 125 bytes: the payload of a ping, a pong or a close frame (RFC 6455, section 5.5). Derefs to its bytes.
///
/// ```
/// use ws_proto::Body;
///
/// let body = Body::new(b"are you there?").unwrap();
/// assert_eq!(&*body, b"are you there?");
/// assert!(Body::new(&[0; 126]).is_none());
/// ```
#[derive(Clone, Copy)]
pub struct Body {
    bytes: [u8; Body::MAX],
    len: u8,
}

impl Body {
    /// The longest payload of a control frame, in bytes.
    pub const MAX: usize = 125;

    /// No bytes.
    pub const EMPTY: Self = Self { bytes: [0; Self::MAX], len: 0 };

    /// A copy of `bytes`, or `None` if they are more than [`Body::MAX`].
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut body = Self::EMPTY;
        body.extend(bytes).then_some(body)
    }

    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds `bytes`; false, and nothing is added, if they do not fit.
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> bool {
        let (_, free) = self.bytes.split_at_mut(usize::from(self.len));
        let Some((room, _)) = free.split_at_mut_checked(bytes.len()) else {
            return false;
        };
        room.copy_from_slice(bytes);
        #[expect(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "at most 125 bytes fit")]
        {
            self.len += bytes.len() as u8;
        }
        true
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.split_at(usize::from(self.len)).0
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Body {}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}
