//! `wss://`: every driver as client and as server, each against each, and what a wrong certificate says.
#![cfg(feature = "std")]

#[cfg(all(feature = "rustls", feature = "tokio", feature = "futures-io"))]
#[path = "tls"]
mod with_rustls {
    mod authority;
    mod certificates;
    mod clients;
    mod conversations;
    mod failures;
    mod servers;
}

#[cfg(not(feature = "rustls"))]
mod without_rustls {
    use ws_proto::{Config, blocking};

    /// Refused before anything is sent: not spoken to without TLS, and not called a wrong scheme.
    #[test]
    fn the_blocking_driver_names_the_missing_feature() {
        let error = blocking::connect("wss://127.0.0.1:1/", &Config::new()).unwrap_err();
        assert!(matches!(error, blocking::Error::NoTls), "{error:?}");
        assert_eq!(error.to_string(), "wss:// needs the feature `rustls` of ws-proto");
    }

    #[cfg(feature = "tokio")]
    #[tokio::test]
    async fn so_does_that_for_tokio() {
        let error = ws_proto::tokio::connect("wss://127.0.0.1:1/", &Config::new()).await.unwrap_err();
        assert!(matches!(error, blocking::Error::NoTls), "{error:?}");
    }

    /// The stream of a client costs nothing then.
    #[test]
    fn maybe_is_never() {
        assert_eq!(size_of::<blocking::MaybeTls>(), size_of::<std::net::TcpStream>());
        #[cfg(feature = "tokio")]
        assert_eq!(size_of::<ws_proto::poll::MaybeTls<u32>>(), size_of::<u32>());
    }
}
