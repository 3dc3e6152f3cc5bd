//! The lock on what the halves of a socket share.

use core::ops::{Deref, DerefMut};
use core::task::Context;
use std::sync::{Mutex, MutexGuard};
use std::thread;

use super::Io;
use super::shared::Output;
use super::tasks::Half;

/// Locked for the length of a poll, never while waiting. A panic under the lock ends the connection.
#[derive(Debug)]
pub(super) struct Shared<T>(Mutex<Output<T>>);

/// The lock, held. A panic meanwhile wakes the other half, which then learns of it.
pub(super) struct Guard<'a, T: Io>(MutexGuard<'a, Output<T>>);

impl<T: Io> Shared<T> {
    pub(super) const fn new(output: Output<T>) -> Self {
        Self(Mutex::new(output))
    }

    /// The stream, for a task that is to be woken when a poll of it says so.
    pub(super) fn poll(&self, half: Half, cx: &Context<'_>) -> Guard<'_, T> {
        let mut output = self.output();
        output.enter(half, cx.waker());
        output
    }

    /// The stream, for someone who does not wait.
    pub(super) fn output(&self) -> Guard<'_, T> {
        Guard(self.0.lock().unwrap_or_else(|poisoned| {
            self.0.clear_poison();
            let mut output = poisoned.into_inner();
            output.panicked();
            output
        }))
    }
}

impl<T: Io> Deref for Guard<'_, T> {
    type Target = Output<T>;

    fn deref(&self) -> &Output<T> {
        &self.0
    }
}

impl<T: Io> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut Output<T> {
        &mut self.0
    }
}

impl<T: Io> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            let other = self.half.other();
            self.wake(other);
        }
    }
}
