//! The C++ library uWebSockets, as far as it takes part: its protocol functions without a socket, and its echo server.
//!
//! The border is crossed once for each read, each batch of messages sent, each message received and each write. A panic
//! goes through C++ as through everything else.

use std::ffi::{c_int, c_void};
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::slice;

/// Which end of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Receives masked frames.
    Server,
    /// Masks what it sends.
    Client,
}

/// Where messages and what is to be written go.
pub trait Outside {
    /// A whole message was received.
    fn message(&mut self, payload: &[u8]);

    /// These bytes are for the other end.
    fn write(&mut self, bytes: &[u8]);
}

/// One end of a connection, behind the handshake.
#[derive(Debug)]
pub struct Connection(NonNull<c_void>);

impl Connection {
    /// One that sends back each message, or only hands it on.
    pub fn open(role: Role, echoes: bool) -> Self {
        // SAFETY: it takes any values, and ends the program rather than return nothing.
        let raw = unsafe { uwebsockets_open(role == Role::Server, echoes) };
        Self(NonNull::new(raw).expect("allocated"))
    }

    /// Where the next read goes to.
    pub fn room(&mut self) -> &mut [u8] {
        // SAFETY: the connection is alive.
        let room = unsafe { uwebsockets_room(self.0.as_ptr()) };
        // SAFETY: it has no conditions.
        let length = unsafe { uwebsockets_room_length() };
        // SAFETY: so many bytes there are the connection's, zeroed when it was made, and nothing else reaches them
        // while it is borrowed.
        unsafe { slice::from_raw_parts_mut(room, length) }
    }

    /// Takes the first bytes of the room, and writes the answers. False if the connection has ended.
    #[must_use]
    pub fn receive<O: Outside>(&mut self, bytes: usize, outside: &mut O) -> bool {
        assert!(bytes <= self.room().len(), "more than fits");
        let border = Border::to(outside);
        // SAFETY: the connection is alive, its room has so many bytes, and `border` leads to `outside` for as long as
        // this call lasts, in which nothing else uses it.
        unsafe { uwebsockets_receive(self.0.as_ptr(), bytes, &raw const border) }
    }

    /// Sends a message so many times, and writes it out.
    pub fn send<O: Outside>(&mut self, payload: &[u8], is_text: bool, times: usize, outside: &mut O) {
        let border = Border::to(outside);
        // SAFETY: as in `receive`; the payload is only read, and not kept.
        unsafe {
            uwebsockets_send(self.0.as_ptr(), payload.as_ptr(), payload.len(), is_text, times, &raw const border);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the connection is alive, and this is the last use of it.
        unsafe { uwebsockets_free(self.0.as_ptr()) }
    }
}

/// An echo server for what `listener` accepts, in this thread. It only ends if it cannot begin.
pub fn echo(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let file = OwnedFd::from(listener);
    // SAFETY: the file is open for as long as this call lasts.
    unsafe { uwebsockets_echo(file.as_raw_fd()) };
    Ok(())
}

/// An [`Outside`] as C++ sees it.
#[repr(C)]
struct Border {
    outside: *mut c_void,
    message: unsafe extern "C-unwind" fn(*mut c_void, *const u8, usize),
    write: unsafe extern "C-unwind" fn(*mut c_void, *const u8, usize),
}

impl Border {
    fn to<O: Outside>(outside: &mut O) -> Self {
        Self { outside: (&raw mut *outside).cast(), message: message::<O>, write: write::<O> }
    }
}

/// # Safety
///
/// `outside` is a mutable reference, and there are so many bytes at `payload`.
unsafe extern "C-unwind" fn message<O: Outside>(outside: *mut c_void, payload: *const u8, length: usize) {
    // SAFETY: says the caller.
    let (outside, payload) = unsafe { (&mut *outside.cast::<O>(), slice::from_raw_parts(payload, length)) };
    outside.message(payload);
}

/// # Safety
///
/// As for [`message`].
unsafe extern "C-unwind" fn write<O: Outside>(outside: *mut c_void, bytes: *const u8, length: usize) {
    // SAFETY: says the caller.
    let (outside, bytes) = unsafe { (&mut *outside.cast::<O>(), slice::from_raw_parts(bytes, length)) };
    outside.write(bytes);
}

unsafe extern "C-unwind" {
    fn uwebsockets_open(is_server: bool, echoes: bool) -> *mut c_void;
    fn uwebsockets_free(connection: *mut c_void);
    fn uwebsockets_room(connection: *mut c_void) -> *mut u8;
    fn uwebsockets_room_length() -> usize;
    fn uwebsockets_receive(connection: *mut c_void, length: usize, border: *const Border) -> bool;
    fn uwebsockets_send(
        connection: *mut c_void,
        payload: *const u8,
        length: usize,
        is_text: bool,
        times: usize,
        border: *const Border,
    );
    fn uwebsockets_echo(listener: c_int);
}
