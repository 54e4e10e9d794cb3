//! Requests that a web page made its visitor's browser send. There is no authentication that would stop them, and a
//! server on this machine is within their reach.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use headwater_core::protocol::ProblemCode;

use super::problem::Failure;

/// Under which names a server may be called, and by which pages.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// The server can be reached from elsewhere: its names are not known.
    any_host: bool,
    allowed: Arc<[String]>,
}

impl Guard {
    pub(crate) fn new(address: SocketAddr, allowed: &[String]) -> Self {
        Self { any_host: !address.ip().is_loopback(), allowed: allowed.into() }
    }

    /// Lets a request pass unless it goes to a name that is not this server's (a page whose name was bound to this
    /// machine after it was loaded), or comes from a page of another server.
    pub(crate) async fn check(State(guard): State<Self>, request: Request, next: Next) -> Response {
        match guard.judge(request.uri(), request.headers()) {
            Ok(()) => next.run(request).await,
            Err(detail) => Failure::new(ProblemCode::Forbidden, detail).into_response(),
        }
    }

    fn judge(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
        let host = match headers.get(header::HOST) {
            Some(value) => {
                Some(value.to_str().ok().and_then(|text| text.parse::<Authority>().ok()).ok_or(FOREIGN_HOST)?)
            }
            None => uri.authority().cloned(),
        };
        if let Some(host) = &host
            && !(self.any_host || is_this_machine(host.host()) || self.allows(host.host()))
        {
            return Err(FOREIGN_HOST);
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(()) };
        let origin = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok()).ok_or(FOREIGN_ORIGIN)?;
        let origin = origin.authority().ok_or(FOREIGN_ORIGIN)?;
        if host.as_ref() == Some(origin) || self.allows(origin.host()) {
            return Ok(());
        }
        Err(FOREIGN_ORIGIN)
    }

    fn allows(&self, host: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

const FOREIGN_HOST: &str = "this host is not served here; the operator can add it with --allow-host";
const FOREIGN_ORIGIN: &str = "pages of this origin may not call; the operator can add its host with --allow-host";

fn is_this_machine(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listen: &str, host: &str, origin: Option<&str>, expected: Result<(), &'static str>) {
        let guard = Guard::new(listen.parse().unwrap(), &["sync.example".into()]);
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        assert_eq!(guard.judge(&Uri::from_static("/"), &headers), expected, "{host} {origin:?}");
    }

    #[test]
    fn a_server_of_this_machine_answers_to_names_of_this_machine() {
        for host in
            ["127.0.0.1:8787", "127.9.9.9", "localhost", "LocalHost:1", "[::1]:8787", "sync.example", "Sync.Example:80"]
        {
            check("127.0.0.1:8787", host, None, Ok(()));
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8787", "10.0.0.1", "[::2]", "a b", ""]
        {
            check("127.0.0.1:8787", host, None, Err(FOREIGN_HOST));
        }
        check("0.0.0.0:8787", "10.0.0.1:8787", None, Ok(()));
    }

    #[test]
    fn pages_of_other_servers_may_not_call() {
        for listen in ["127.0.0.1:8787", "0.0.0.0:8787"] {
            check(listen, "127.0.0.1:8787", Some("http://127.0.0.1:8787"), Ok(()));
            check(listen, "127.0.0.1:8787", Some("https://sync.example"), Ok(()));
            for origin in
                ["https://evil.example", "http://127.0.0.1:3000", "null", "", "file://", "http://localhost:8787"]
            {
                check(listen, "127.0.0.1:8787", Some(origin), Err(FOREIGN_ORIGIN));
            }
        }
    }
}
