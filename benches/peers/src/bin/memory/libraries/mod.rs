//! Every library, each driven in the best way that its documentation shows. Each is compiled for plain x86-64 with
//! whatever it detects at run time; all limits are raised so that 1 MiB passes.

mod fastwebsockets;
mod ours;
mod sockudo_ws;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod uwebsockets;
mod web_socket;
mod websocket_sans_io;
mod wtx;
mod yawc;

use crate::job::Library;

/// Ours first.
pub(crate) const ALL: [Library; 11] = [
    ours::LIBRARY,
    tungstenite::LIBRARY,
    fastwebsockets::LIBRARY,
    tokio_websockets::LIBRARY,
    soketto::LIBRARY,
    sockudo_ws::LIBRARY,
    wtx::LIBRARY,
    yawc::LIBRARY,
    web_socket::LIBRARY,
    websocket_sans_io::LIBRARY,
    uwebsockets::LIBRARY,
];

/// More than the longest message.
const LIMIT: usize = 8 << 20;
