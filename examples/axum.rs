//! A server of axum: a page at `/`, an echo of every message at `/echo`, and nothing elsewhere. The options are those
//! of `echo`.

mod common;

use std::error::Error;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use ws_proto::handshake::{self, Answer, AnswerError, OriginPolicy};
use ws_proto::tokio::{Socket, Tokio};
use ws_proto::{Config, Connection, Event};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let common::Options { listen, config, .. } = common::Options::from_args()?;
    let routes = Router::new()
        .route("/", get(async || Html(include_str!("echo.html"))))
        .route("/echo", get(echo))
        .with_state(config); // any other path is a 404
    let listener = TcpListener::bind(&listen).await?;
    common::print(format_args!("listening on ws://{}/echo", listener.local_addr()?));
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, routes).await?)
}

/// Answers a request, and leaves the connection that it opens to a task. A database could be asked first.
async fn echo(State(config): State<Config>, mut request: Request) -> Response {
    // Echoing keeps no secret, so pages of any origin may connect.
    let upgrade = match handshake::Request::from_http(&request, OriginPolicy::Any, &config) {
        Ok(upgrade) => upgrade,
        Err(refusal) => return refusal.to_http().map(Body::from), // 426 for a plain request
    };
    match accept(&upgrade, &config) {
        Ok((response, connection)) => {
            let stream = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                if let Err(error) = serve(stream, connection, &config).await {
                    common::log(error);
                }
            });
            response.map(|()| Body::empty())
        }
        Err(error) => {
            let mut response = Response::new(Body::from(format!("{error}\n")));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// Chooses a subprotocol, and says something in the response.
fn accept(upgrade: &handshake::Request, config: &Config) -> Result<(Response<()>, Connection), AnswerError> {
    let mut answer = Answer::new().header("X-Echo", "axum");
    if let Some(protocol) = upgrade.choose(&["echo"]) {
        answer = answer.protocol(protocol);
    }
    upgrade.accept_http(&answer, config)
}

async fn serve(stream: OnUpgrade, connection: Connection, config: &Config) -> Result<(), Box<dyn Error + Send + Sync>> {
    // What hyper has read behind the request comes first from this stream.
    let stream = TokioIo::new(stream.await?);
    let (mut receiver, mut sender) = Socket::new(Tokio::new(stream), connection, &[], config).split();
    while let Some(event) = receiver.next().await? {
        // Answers are queued and written when all that has arrived is handled: many small messages make one write.
        match event {
            Event::Text(text) => sender.queue(|writer| writer.text(text))?,
            Event::Binary(bytes) => sender.queue(|writer| writer.binary(bytes))?,
            _ => {} // pings and the close frame are answered
        }
    }
    Ok(())
}
