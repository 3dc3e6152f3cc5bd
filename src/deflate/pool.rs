//! Codecs that are lent for a message.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::deflater::{Deflater, Owner};
use super::inflater::Inflater;

/// A pool of codecs, shared by the connections of every [`Compression`](super::Compression) that it was given to.
/// A clone is another handle of the same pool.
///
/// A connection borrows a codec for as long as a message takes, so that there need be no more than are at work at the
/// same time: a few for each thread. One more than the pool has is made on demand and dropped when it comes back.
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
        }))
    }

    /// Drops the codecs that are not at work.
    pub fn clear(&self) {
        lock(&self.0.deflaters).clear();
        lock(&self.0.inflaters).clear();
    }

    /// A number for a connection that no other of this pool has.
    pub(super) fn number(&self) -> u64 {
        self.0.connections.fetch_add(1, Ordering::Relaxed)
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

    pub(super) fn give_deflater(&self, deflater: Box<Deflater>) {
        let mut idle = lock(&self.0.deflaters);
        idle.push(deflater);
        if idle.len() > self.0.slots {
            let oldest = idle.remove(0);
            drop(idle);
            drop(oldest);
        }
    }

    pub(super) fn inflater(&self) -> Box<Inflater> {
        let idle = lock(&self.0.inflaters).pop();
        idle.unwrap_or_else(|| Box::new(Inflater::new()))
    }

    pub(super) fn give_inflater(&self, inflater: Box<Inflater>) {
        let mut idle = lock(&self.0.inflaters);
        if idle.len() < self.0.slots {
            idle.push(inflater);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("slots", &self.0.slots).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
