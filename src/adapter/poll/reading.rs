//! From the stream to whoever takes the events.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::mem;
use core::task::Poll;
use core::time::Duration;
use std::{io, thread_local};

use super::Io;
use super::inbound::{Inbound, Stage};
use super::shared::{Output, Sending};
use super::tasks::Half;
use crate::adapter::error::Error;
use crate::adapter::input::Input;
use crate::budget::Budget;
use crate::error::{self, SendError};
use crate::reader::Event;
use crate::writer::Writer;

/// What becomes of the events that are found.
pub(super) trait Take {
    /// Whether a function takes events and answers them. Then none is taken while a message would be refused.
    const HANDLES: bool;

    /// Takes events from `input`. True if the caller has to look: at the one that the reader keeps, or at why no more
    /// were taken.
    fn take<T: Io>(
        &mut self,
        inbound: &mut Inbound,
        input: &mut &mut [u8],
        output: &mut Output<T>,
    ) -> Result<bool, error::Error>;

    /// As [`Take::take`], of the event that the reader keeps.
    fn take_kept<T: Io>(&mut self, inbound: &mut Inbound, output: &mut Output<T>) -> bool;
}

/// The next event, for the caller.
pub(super) struct One;

/// All of them, for a function, until that refuses one.
pub(super) struct Each<F> {
    handle: F,
    pub(super) refused: Option<SendError>,
}

impl Take for One {
    const HANDLES: bool = false;

    fn take<T: Io>(
        &mut self,
        inbound: &mut Inbound,
        input: &mut &mut [u8],
        output: &mut Output<T>,
    ) -> Result<bool, error::Error> {
        inbound.reader.inflate_at_most(inbound.budget.left());
        let found = inbound.reader.advance(input);
        if let Some(event) = inbound.reader.event() {
            count(event, &mut inbound.budget, output, inbound.read_at);
        } else if inbound.reader.is_inflating() {
            inbound.budget.spend(usize::MAX);
        }
        inbound.answer(output);
        found
    }

    fn take_kept<T: Io>(&mut self, _: &mut Inbound, _: &mut Output<T>) -> bool {
        true
    }
}

impl<F: FnMut(Event<'_>, &mut Writer) -> Result<(), SendError>> Each<F> {
    pub(super) const fn new(handle: F) -> Self {
        Self { handle, refused: None }
    }

    /// False if no more are to be taken.
    fn hand_over(&mut self, event: Event<'_>, writer: &mut Writer) -> bool {
        self.refused = (self.handle)(event, writer).err();
        self.refused.is_none()
    }
}

impl<F: FnMut(Event<'_>, &mut Writer) -> Result<(), SendError>> Take for Each<F> {
    const HANDLES: bool = true;

    fn take<T: Io>(
        &mut self,
        inbound: &mut Inbound,
        input: &mut &mut [u8],
        output: &mut Output<T>,
    ) -> Result<bool, error::Error> {
        while (!input.is_empty() || inbound.reader.is_inflating())
            && (output.writer.has_room() || output.writer.is_closed())
            && !inbound.budget.is_spent()
        {
            inbound.reader.inflate_at_most(inbound.budget.left());
            let found = inbound.reader.receive(input);
            let goes_on = match found {
                Ok(None) => break,
                Ok(Some(event)) => {
                    count(event, &mut inbound.budget, output, inbound.read_at);
                    self.hand_over(event, &mut output.writer)
                }
                Err(error) => {
                    inbound.answer(output);
                    return Err(error);
                }
            };
            inbound.answer(output);
            if !goes_on {
                return Ok(true);
            }
        }
        if inbound.reader.is_inflating() {
            inbound.budget.spend(usize::MAX);
        }
        Ok(false)
    }

    fn take_kept<T: Io>(&mut self, inbound: &mut Inbound, output: &mut Output<T>) -> bool {
        inbound.event().is_some_and(|event| !self.hand_over(event, &mut output.writer))
    }
}

/// Counts an event as work, and a pong for the timers.
#[inline]
fn count<T>(event: Event<'_>, budget: &mut Budget, output: &mut Output<T>, now: Duration) {
    budget.spend_event();
    match event {
        Event::Text(text) => budget.spend(text.len()), // it may have inflated
        Event::Binary(bytes) => budget.spend(bytes.len()),
        Event::Pong(payload) => _ = output.timers.pong(payload, now),
        _ => {}
    }
}

impl Inbound {
    /// Hands over the next of what was kept while something was sent. True if the caller has to look.
    pub(super) fn poll_kept<T: Io, K: Take>(
        &mut self,
        output: &mut Output<T>,
        take: &mut K,
    ) -> Poll<Result<bool, Error>> {
        if output.poll_flush().is_pending() && is_held_up::<T, K>(output) {
            return Poll::Pending;
        }
        Poll::Ready(match self.kept.next() {
            Some(Ok(true)) => {
                self.budget.spend_event();
                let taken = take.take_kept(self, output);
                if K::HANDLES {
                    self.kept.let_go();
                }
                Ok(taken)
            }
            Some(end) => end,
            None => Ok(false),
        })
    }

    /// Goes on in what is left of the last read. Behind the end of reading, what is to be written is the end's concern.
    pub(super) fn poll_left_over<T: Io, K: Take>(
        &mut self,
        output: &mut Output<T>,
        take: &mut K,
    ) -> Poll<Result<bool, Error>> {
        if !output.writer.has_room()
            && !self.reader.is_closed()
            && output.poll_flush().is_pending()
            && is_held_up::<T, K>(output)
        {
            return Poll::Pending;
        }
        let mut input = mem::take(&mut self.input);
        let found = input.lend(|bytes| take.take(self, bytes, output));
        self.input = input;
        self.note_message(output);
        Poll::Ready(found.map_err(Error::from))
    }

    /// Writes what is pending, then reads and looks at what came.
    pub(super) fn poll_input<T: Io, K: Take>(
        &mut self,
        output: &mut Output<T>,
        buffers: &mut Buffers,
        take: &mut K,
    ) -> Poll<Result<bool, Error>> {
        // All that was read before is looked at by now.
        self.catch_up(output);
        if !matches!(self.stage, Stage::Open) {
            return Poll::Ready(Ok(false));
        }
        let flushed = output.poll_flush();
        if flushed.is_pending() && is_held_up::<T, K>(output) {
            return Poll::Pending;
        }
        match (self.poll_read(output, buffers, take), flushed) {
            (Poll::Ready(Ok(found)), _) => Poll::Ready(found.map_err(Error::from)),
            (Poll::Ready(Err(error)), _) => Poll::Ready(Err(error.into())),
            // That it cannot be told anything is the news once all that it said was read.
            (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
            (Poll::Pending, _) => Poll::Pending,
        }
    }

    /// Reads once: a large message to where it belongs, else into the buffer of the thread.
    fn poll_read<T: Io>(
        &mut self,
        output: &mut Output<T>,
        buffers: &mut Buffers,
        take: &mut impl Take,
    ) -> Poll<io::Result<Result<bool, error::Error>>> {
        let most = self.budget.left().max(Input::SIZE);
        if let Some(room) = self.reader.room(Input::SIZE) {
            let (room, _) = room.split_at_mut(room.len().min(most));
            return output.poll_read(room).map_ok(|n| {
                self.note_read(n, output)?;
                let is_whole = self.reader.filled(n);
                self.note_message(output);
                Ok(is_whole && take.take_kept(self, output))
            });
        }
        let buffers = buffers.take();
        output.poll_read(&mut buffers.input).map_ok(|n| {
            self.note_read(n, output)?;
            output.writer.reserve_from(&mut buffers.output);
            let (mut bytes, _) = buffers.input.split_at_mut(n);
            let found = take.take(self, &mut bytes, output);
            self.input.keep(bytes);
            self.note_message(output);
            found
        })
    }

    fn note_read<T: Io>(&mut self, n: usize, output: &mut Output<T>) -> Result<(), error::Error> {
        if n == 0 {
            return self.reader.receive_eof();
        }
        self.budget.spend(n);
        if output.timers.next().is_some() {
            self.read_at = output.io.now().unwrap_or_default();
            output.timers.received(self.read_at);
        }
        Ok(())
    }

    /// Measures a message that has begun. Its time counts from now, if the program was slow with what came before it.
    fn note_message<T: Io>(&self, output: &mut Output<T>) {
        let unfinished = self.reader.unfinished();
        let now = unfinished.and_then(|_| output.io.now()).unwrap_or_default();
        output.timers.message(unfinished, now);
    }

    /// Sends what the reader owes.
    #[inline]
    fn answer<T: Io>(&mut self, output: &mut Output<T>) {
        if self.reader.owes_reply() {
            self.answer_now(output);
        }
    }

    #[cold]
    fn answer_now<T: Io>(&mut self, output: &mut Output<T>) {
        if let Some(reply) = self.reader.take_reply() {
            self.budget.spend_reply();
            output.answer(reply);
            // What cannot be written now is, before the next read.
            let _ = output.poll_flush();
        }
    }

    /// Reads to the end of the stream, and looks at nothing.
    pub(super) fn poll_drain<T: Io>(&mut self, output: &mut Output<T>, buffers: &mut Buffers) -> Poll<()> {
        if self.reader.is_eof() {
            return Poll::Ready(());
        }
        let input = &mut buffers.take().input;
        loop {
            match output.poll_read(input) {
                Poll::Ready(Ok(n @ 1..)) => self.budget.spend(n),
                Poll::Ready(_) => {
                    let _ = self.reader.receive_eof();
                    return Poll::Ready(());
                }
                Poll::Pending => return Poll::Pending,
            }
            if self.budget.is_spent() {
                return self.end_turn(output).map(|_| ());
            }
        }
    }
}

/// A peer that does not read is not read from either, for whoever only queues answers and could not queue more. But
/// while somebody waits for it in a method of the sender, it may be waiting likewise. If it reads, slow as it may be,
/// it is there: what else would show that lies unread.
fn is_held_up<T: Io, K: Take>(output: &mut Output<T>) -> bool {
    let queues = output.sending == Sending::Queues && output.half == Half::Receiver;
    let is_held_up = (queues || K::HANDLES) && !output.writer.has_room() && !output.writer.is_closed();
    if is_held_up {
        output.timers.message(None, Duration::ZERO); // that it does not go on is not the peer's doing
        if mem::take(&mut output.progress) && output.timers.next().is_some() {
            output.timers.received(output.io.now().unwrap_or_default());
        }
    }
    is_held_up
}

/// The buffers that all connections of a thread have by turns: each from its first read in a poll to the end of that.
/// Whoever is polled inside of it has its own.
pub(super) struct Buffers(Option<Box<Both>>);

#[derive(Default)]
struct Both {
    /// To read into: what a poll leaves of it is copied.
    input: Vec<u8>,
    /// For what is to be written: whoever cannot write all of it keeps it.
    output: Vec<u8>,
}

impl Buffers {
    pub(super) const NONE: Self = Self(None);

    fn take(&mut self) -> &mut Both {
        self.0.get_or_insert_with(|| {
            let mut both = BUFFERS.take().unwrap_or_default();
            both.input.resize(Input::SIZE, 0);
            both
        })
    }

    /// For the next, with what was lent of them.
    pub(super) fn leave(mut self, writer: &mut Writer, waits: bool) {
        let mut none = Vec::new();
        let spare = self.0.as_mut().map_or(&mut none, |both| &mut both.output);
        if waits {
            writer.release_into(spare);
        } else {
            writer.give_back(spare);
        }
        if spare.len() > 2 * Input::SIZE {
            *spare = Vec::new(); // more than the answers to a read usually are
        }
        if self.0.is_some() {
            BUFFERS.set(self.0);
        }
    }
}

thread_local! {
    static BUFFERS: Cell<Option<Box<Both>>> = const { Cell::new(None) };
}
