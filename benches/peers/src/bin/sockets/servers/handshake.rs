//! The opening handshake for libraries that have none, or one for hyper alone, whose streams cost more than those of
//! tokio: it is over before anything is measured.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ws_proto::Config;
use ws_proto::handshake::{OriginPolicy, Server};

use super::tokio::Ended;

/// The load sends nothing before it has the answer.
pub(super) async fn accept(stream: &mut TcpStream) -> Ended {
    let mut server = Server::new(OriginPolicy::Any, &Config::new());
    let mut buffer = [0; 1024];
    loop {
        let n = stream.read(&mut buffer).await?;
        let accepted = server.accept(&mut &mut buffer[..n]).map_err(|refusal| refusal.to_string())?;
        if let Some(mut connection) = accepted {
            return Ok(stream.write_all(connection.outgoing()).await?);
        }
        if n == 0 {
            return Err("no request".into());
        }
    }
}
