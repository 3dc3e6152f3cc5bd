//! Codecs that are lent for a message.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroU64;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::deflater::{Deflater, Owner};
use super::inflater::Inflater;

/// A pool of codecs, shared by the connections of every [`Compression`](super::Compression) that it was given to.
/// A clone is another handle of the same pool.
///
/// A connection borrows a codec while it compresses a message, or while it inflates one that has arrived as a whole. So
/// there need be no more than are at work at the same time: a few for each thread. One more than the pool has is made on
/// demand, and dropped when it comes back. So is one that did not come to the end of its message. Messages that are read
/// in pieces have one for longer: see [`Pool::max_unfinished`].
///
/// ```
/// use ws_proto::deflate::{Compression, Pool};
///
/// let pool = Pool::new(4);
/// let chat = Compression::new().pool(pool.clone());
/// let ticker = Compression::new().level(1).pool(pool);
/// ```
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

#[expect(clippy::vec_box, reason = "they are lent in their boxes")]
struct Shared {
    slots: usize,
    /// Those that came back last are last.
    deflaters: Mutex<Vec<Box<Deflater>>>,
    inflaters: Mutex<Vec<Box<Inflater>>>,
    connections: AtomicU64,
    /// How many messages that are not whole have an inflater, and how many may. Counted for each pool: it is the pool
    /// that bounds what its connections take together.
    unfinished: AtomicUsize,
    max_unfinished: AtomicUsize,
}

/// The right of an unfinished message to have an inflater, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(Pool);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.unfinished.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    /// An empty pool that will keep up to `slots` compressors, some 380 KiB each and up to
    /// 256 KiB more behind a large message, and as many decompressors, some 60 KiB each.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self(Arc::new(Shared {
            slots,
            deflaters: Mutex::new(Vec::new()),
            inflaters: Mutex::new(Vec::new()),
            connections: AtomicU64::new(0),
            unfinished: AtomicUsize::new(0),
            max_unfinished: AtomicUsize::new(slots),
        }))
    }

    /// Sets how many messages may have a decompressor before they are whole: as many as the pool has slots. Only messages
    /// that [`Reader::receive_chunk`](crate::Reader::receive_chunk) reads want one that early. One more waits in its
    /// compressed form until it is whole, or until another is; it gets its decompressor then, so that a peer that never
    /// ends its messages takes nothing from others.
    ///
    /// ```
    /// use ws_proto::deflate::{Compression, Pool};
    ///
    /// let pool = Pool::new(4);
    /// pool.max_unfinished(100);
    /// let compression = Compression::new().pool(pool);
    /// ```
    pub fn max_unfinished(&self, messages: usize) {
        self.0.max_unfinished.store(messages, Ordering::Relaxed);
    }

    /// Drops the codecs that are not at work.
    pub fn clear(&self) {
        lock(&self.0.deflaters).clear();
        lock(&self.0.inflaters).clear();
    }

    /// A number for a connection that no other of this pool has.
    pub(super) fn number(&self) -> NonZeroU64 {
        NonZeroU64::MIN.saturating_add(self.0.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// The deflater that `owner` left, else the one that was idle for longest, else a new one.
    pub(super) fn deflater(&self, window: u8, level: u8, owner: Option<Owner>) -> Box<Deflater> {
        let mut idle = lock(&self.0.deflaters);
        let own = owner.and_then(|_| idle.iter().position(|deflater| deflater.owner == owner));
        let found = own.or_else(|| idle.iter().position(|deflater| deflater.fits(window, level)));
        if let Some(at) = found {
            return idle.remove(at);
        }
        drop(idle);
        Box::new(Deflater::new(window, level))
    }

    /// Takes a deflater back. One that did not come to the end of its message is dropped.
    pub(super) fn give_deflater(&self, mut deflater: Box<Deflater>) {
        if deflater.is_clean() {
            deflater.shrink();
            give(&self.0.deflaters, deflater, self.0.slots);
        }
    }

    /// The inflater that `owner` left, else one that nobody did, else the one that was idle for longest, else a new one.
    pub(super) fn inflater(&self, owner: Option<NonZeroU64>) -> Box<Inflater> {
        let mut idle = lock(&self.0.inflaters);
        let left_by = |owner| idle.iter().rposition(|inflater| inflater.owner == owner);
        let found = left_by(owner).or_else(|| left_by(None)).or((!idle.is_empty()).then_some(0));
        if let Some(at) = found {
            return idle.remove(at);
        }
        drop(idle);
        Box::new(Inflater::new())
    }

    /// Takes an inflater back. One that did not come to the end of its message is dropped.
    pub(super) fn give_inflater(&self, inflater: Box<Inflater>) {
        if inflater.is_clean() {
            give(&self.0.inflaters, inflater, self.0.slots);
        }
    }

    /// A place among the messages that are not whole and have an inflater, if one is free.
    pub(super) fn place(&self) -> Option<Place> {
        let most = self.0.max_unfinished.load(Ordering::Relaxed);
        let more = |unfinished: usize| unfinished.checked_add(1).filter(|unfinished| *unfinished <= most);
        self.0.unfinished.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Place(self.clone()))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("slots", &self.0.slots).finish_non_exhaustive()
    }
}

/// Keeps a codec, if need be in place of the one that was idle for longest.
fn give<T>(idle: &Mutex<Vec<Box<T>>>, codec: Box<T>, slots: usize) {
    let mut idle = lock(idle);
    idle.push(codec);
    if idle.len() > slots {
        let oldest = idle.remove(0);
        drop(idle);
        drop(oldest);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inflater_goes_to_whoever_left_it_and_else_one_that_nobody_left() {
        let pool = Pool::new(9);
        let owners = [1, 2, 0, 3, 0].map(NonZeroU64::new);
        for (n, owner) in owners.into_iter().enumerate() {
            let mut inflater = Box::new(Inflater::new());
            (inflater.owner, inflater.len) = (owner, n);
            pool.give_inflater(inflater);
        }
        // Of those that nobody left the last, and when all have an owner the oldest.
        for (owner, lent) in [(2, 1), (4, 4), (0, 2), (5, 0), (1, 3), (3, 0)] {
            assert_eq!(pool.inflater(NonZeroU64::new(owner)).len, lent, "to {owner}");
        }
    }

    #[test]
    fn a_full_pool_drops_the_inflater_that_was_idle_for_longest() {
        let pool = Pool::new(2);
        let owners = [1, 2, 3].map(NonZeroU64::new);
        for owner in owners {
            let mut inflater = Box::new(Inflater::new());
            inflater.owner = owner;
            pool.give_inflater(inflater);
        }
        assert_eq!([owners[2], owners[1]].map(|owner| pool.inflater(owner).owner), [owners[2], owners[1]]);
    }
}
