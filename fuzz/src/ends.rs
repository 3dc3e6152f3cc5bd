//! Two ends of a connection, and a script that names them.

use arbitrary::Arbitrary;

/// What is to be done, and at which end.
#[derive(Arbitrary, Debug)]
pub(super) struct Step<W> {
    pub(super) end: bool,
    pub(super) what: W,
}

/// One end and the other: the client first, or the server.
pub(super) fn two<E>(ends: &mut [E; 2], server: bool) -> (&mut E, &mut E) {
    let [client, other] = ends;
    if server { (other, client) } else { (client, other) }
}
