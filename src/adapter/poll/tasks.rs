//! The tasks that wait for a stream. A stream knows one of them for each direction, and each half may have to write.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::mem;
use core::task::Waker;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which half waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Half {
    Receiver,
    Sender,
}

/// Whom the stream is to wake.
#[derive(Debug)]
pub(super) enum Tasks {
    /// The task that both halves were polled in, as far as they were: it is known to the stream itself.
    One([Option<Waker>; 2]),
    /// Two: the stream is given a waker that wakes both.
    Two { waiting: Arc<Waiting>, waker: Waker },
}

/// Those of two tasks that were polled since they were woken.
#[derive(Debug)]
pub(super) struct Waiting(Mutex<[Option<Waker>; 2]>);

impl Half {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Receiver => Self::Sender,
            Self::Sender => Self::Receiver,
        }
    }

    /// Its own of two things, then the other's.
    pub(super) const fn of<X>(self, [receiver, sender]: &mut [X; 2]) -> (&mut X, &mut X) {
        match self {
            Self::Receiver => (receiver, sender),
            Self::Sender => (sender, receiver),
        }
    }
}

impl Tasks {
    pub(super) const NONE: Self = Self::One([None, None]);

    /// Takes note of who polls a half.
    #[inline]
    pub(super) fn enter(&mut self, half: Half, waker: &Waker) {
        match self {
            Self::One(wakers) => {
                let (own, other) = half.of(wakers);
                if !is(own.as_ref(), waker) {
                    *own = Some(waker.clone());
                    if other.is_some() && !is(other.as_ref(), waker) {
                        self.part();
                    }
                }
            }
            Self::Two { waiting, .. } => waiting.enter(half, waker),
        }
    }

    /// The halves are in two tasks from now on. What the stream was told in the name of the first stays true.
    #[cold]
    fn part(&mut self) {
        if let Self::One(wakers) = self {
            let waiting = Arc::new(Waiting(Mutex::new(mem::take(wakers))));
            let waker = Waker::from(Arc::clone(&waiting));
            *self = Self::Two { waiting, waker };
        }
    }

    /// Takes note that a half waits for nothing: its next task may be another.
    pub(super) fn leave(&mut self, half: Half) {
        match self {
            Self::One(wakers) => *half.of(wakers).0 = None,
            Self::Two { waiting, .. } => *half.of(&mut waiting.lock()).0 = None,
        }
    }

    /// For polls of the stream in the name of `half`.
    pub(super) fn waker(&self, half: Half) -> &Waker {
        let waker = match (self, half) {
            (Self::One([waker, _]), Half::Receiver) | (Self::One([_, waker]), Half::Sender) => waker.as_ref(),
            (Self::Two { waker, .. }, _) => Some(waker),
        };
        waker.unwrap_or(Waker::noop()) // nobody waits yet
    }

    pub(super) fn wake(&mut self, half: Half) {
        match self {
            Self::One(wakers) => half.of(wakers).0.iter().for_each(Waker::wake_by_ref),
            Self::Two { waiting, .. } => waiting.wake_one(half),
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, [Option<Waker>; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, half: Half, waker: &Waker) {
        let mut wakers = self.lock();
        let own = half.of(&mut wakers).0;
        if !is(own.as_ref(), waker) {
            *own = Some(waker.clone());
        }
    }

    /// Once for each time that it polls: else each message would wake a task that only sends.
    fn wake_one(&self, half: Half) {
        let mut wakers = self.lock();
        let waker = half.of(&mut wakers).0.take();
        drop(wakers);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_one(Half::Receiver);
        self.wake_one(Half::Sender);
    }
}

#[inline]
fn is(known: Option<&Waker>, waker: &Waker) -> bool {
    known.is_some_and(|known| known.will_wake(waker))
}
