//! Memory for each idle connection. Every connection has done its handshake and echoed a message; the kernel's buffers
//! are not in the figures.

use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use crate::Result;
use crate::load;
use crate::options::Options;
use crate::process::Running;
use crate::servers::Server;
use crate::wire::Wire;

/// Resident bytes per connection.
pub(crate) fn all(options: &Options) -> Result<Vec<(&'static Server, i64)>> {
    let measured = options.servers.iter().map(|server| {
        let bytes = measure(server, options.idle);
        Ok((*server, bytes.map_err(|error| format!("{}, idle: {error}", server.name))?))
    });
    if options.idle == 0 { Ok(Vec::new()) } else { measured.collect() }
}

/// In a new process: what a loaded one has freed may still be its own.
fn measure(server: &'static Server, count: usize) -> Result<i64> {
    let running = Running::start(server)?;
    let is_websocket = server.kind.is_websocket();
    let wire = Wire::new(20, is_websocket);
    let open = |count| (0..count).map(|_| load::connect(running.address, &wire, is_websocket));
    // What the first connections bring with them is not theirs.
    let warm: Vec<TcpStream> = open(8).collect::<Result<_>>()?;
    let before = running.resident()?;
    let idle: Vec<TcpStream> = open(count).collect::<Result<_>>()?;
    sleep(Duration::from_millis(200));
    let after = running.resident()?;
    drop((warm, idle));
    Ok((after - before) / i64::try_from(count)?)
}
