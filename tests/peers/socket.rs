//! A socket in each of its forms.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use ws_proto::poll::{Error, Io, Receiver, Sender, Socket};
use ws_proto::{CloseCode, Config, Event, Message, Role, SendError, Writer};

use crate::driver::{connection, outgoing, peer_of, receive_all};
use crate::line::Line;

/// How the program receives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Next,
    ForEach,
    Stream,
}

pub(crate) const FORMS: [Form; 3] = [Form::Next, Form::ForEach, Form::Stream];

/// A socket, or its halves.
#[derive(Debug)]
pub(crate) enum Ends<T> {
    Whole(Socket<T>),
    Halves(Receiver<T>, Sender<T>),
}

/// With whatever of both receives.
macro_rules! receiver {
    ($ends:expr, $receiver:ident => $call:expr) => {
        match $ends {
            $crate::socket::Ends::Whole($receiver) => $call,
            $crate::socket::Ends::Halves($receiver, _) => $call,
        }
    };
}

/// With whatever of both sends.
macro_rules! sender {
    ($ends:expr, $sender:ident => $call:expr) => {
        match $ends {
            $crate::socket::Ends::Whole($sender) => $call,
            $crate::socket::Ends::Halves(_, $sender) => $call,
        }
    };
}

pub(crate) use {receiver, sender};

/// A socket on `line`, whole or in halves.
pub(crate) fn open(line: &Line, role: Role, split: bool, config: &Config) -> Ends<Line> {
    ends(Socket::new(line.clone(), connection(role, config), b"", config), split)
}

pub(crate) fn ends<T: Io>(socket: Socket<T>, split: bool) -> Ends<T> {
    if split {
        let (receiver, sender) = socket.split();
        Ends::Halves(receiver, sender)
    } else {
        Ends::Whole(socket)
    }
}

impl<T: Io + Unpin> Ends<T> {
    /// Receives once, in the way of `form`; `None` is the end. `for_each` ends with the first event by an error, which is
    /// taken away.
    pub(crate) async fn next(&mut self, form: Form) -> Result<Option<Message>, Error> {
        match form {
            Form::Next => receiver!(self, receiver => Ok(receiver.next().await?.map(Message::from))),
            Form::Stream => {
                receiver!(self, receiver => poll_fn(|cx| Pin::new(&mut *receiver).poll_next(cx)).await.transpose())
            }
            Form::ForEach => {
                let mut got = None;
                let stop = |event: Event<'_>, _: &mut Writer| {
                    got = Some(event.into());
                    Err(SendError::Interleaved)
                };
                match receiver!(self, receiver => receiver.for_each(stop).await) {
                    Err(Error::Send(SendError::Interleaved)) => Ok(got),
                    ended => ended.map(|()| None),
                }
            }
        }
    }

    /// Receives to the end, or to an error.
    pub(crate) async fn all(&mut self, form: Form, got: &mut Vec<Message>) -> Result<(), Error> {
        if form == Form::ForEach {
            let keep = |event: Event<'_>, _: &mut Writer| {
                got.push(event.into());
                Ok(())
            };
            return receiver!(self, receiver => receiver.for_each(keep).await);
        }
        while let Some(message) = self.next(form).await? {
            got.push(message);
        }
        Ok(())
    }

    pub(crate) async fn text(&mut self, text: &str) -> Result<(), Error> {
        sender!(self, sender => sender.text(text).await)
    }

    pub(crate) async fn binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        sender!(self, sender => sender.binary(bytes).await)
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        sender!(self, sender => sender.flush().await)
    }

    pub(crate) async fn close(&mut self) -> Result<(), Error> {
        sender!(self, sender => sender.close(CloseCode::NORMAL, "").await)
    }

    pub(crate) fn queue(&mut self, text: &str) -> Result<(), SendError> {
        sender!(self, sender => sender.queue(|writer| writer.text(text)))
    }

    pub(crate) fn queue_close(&mut self) -> Result<(), SendError> {
        sender!(self, sender => sender.queue(|writer| writer.close(CloseCode::NORMAL, "")))
    }

    /// Sends as a sink: ready, and then said.
    pub(crate) async fn feed(&mut self, text: &str) -> Result<(), Error> {
        sender!(self, sender => {
            poll_fn(|cx| Pin::new(&mut *sender).poll_ready(cx)).await?;
            Pin::new(&mut *sender).start_send(text.into())
        })
    }
}

/// The bytes that the peer of `role` says.
pub(crate) fn said(role: Role, say: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut peer = peer_of(role);
    say(peer.split().1);
    outgoing(&mut peer)
}

/// What the peer of `role` makes of what was written.
pub(crate) fn heard(role: Role, wire: &[u8]) -> Vec<Message> {
    let config = Config::new().max_message(64 << 20);
    let peer = if role == Role::Server { Role::Client } else { Role::Server };
    receive_all(connection(peer, &config).split().0, wire)
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}
