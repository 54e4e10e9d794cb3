//! The address of a backend.

use reqwest::Url;

/// Reads the address of a backend. A refusal says what to do.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let refuse = |what: &str| Err(format!("{what}; write it like https://example.com or http://127.0.0.1:8787"));
    if !text.contains("://") {
        return Err(format!("the address {text:?} has no scheme: write http://{text} or https://{text}"));
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return refuse(&format!("the address {text:?} can't be read ({error})")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address has a user name or a password: leave them out and use `token`".into());
    }
    if !matches!(url.scheme(), "http" | "https") {
        return refuse(&format!("the address {text:?} has the scheme {}, but only HTTP is spoken here", url.scheme()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse(&format!("the address {:?} has a query or a fragment: leave it out", without_query(&url)));
    }
    Ok(url)
}

/// A query may hold what should not be seen.
fn without_query(url: &Url) -> String {
    url.as_str().split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// Whether the backend is on this machine, as far as its address shows.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    match address {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check_refused(text: &str, expected: &Expect) {
        expected.assert_eq(&parse(text).unwrap_err());
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        check_refused("", &expect![[r#"the address "" has no scheme: write http:// or https://"#]]);
        check_refused(
            "localhost:8787",
            &expect![[
                r#"the address "localhost:8787" has no scheme: write http://localhost:8787 or https://localhost:8787"#
            ]],
        );
        check_refused(
            "ws://example.com",
            &expect![[
                r#"the address "ws://example.com" has the scheme ws, but only HTTP is spoken here; write it like https://example.com or http://127.0.0.1:8787"#
            ]],
        );
        check_refused(
            "http://",
            &expect![[
                r#"the address "http://" can't be read (empty host); write it like https://example.com or http://127.0.0.1:8787"#
            ]],
        );
        check_refused(
            "http://example.com:99999",
            &expect![[
                r#"the address "http://example.com:99999" can't be read (invalid port number); write it like https://example.com or http://127.0.0.1:8787"#
            ]],
        );
        check_refused(
            "https://example.com/?token=s3cret",
            &expect![[
                r#"the address "https://example.com/" has a query or a fragment: leave it out; write it like https://example.com or http://127.0.0.1:8787"#
            ]],
        );
        check_refused(
            "https://me:s3cret@example.com",
            &expect!["the address has a user name or a password: leave them out and use `token`"],
        );
    }

    #[test]
    fn a_backend_on_this_machine_is_known_by_its_address() {
        let is_here = |text: &str| is_loopback(&parse(text).unwrap());
        for here in
            ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1", "http://LOCALHOST", "http://a.localhost"]
        {
            assert!(is_here(here), "{here}");
        }
        for away in ["http://10.0.0.1", "http://localhost.example.com", "http://[::2]", "http://127.example.com"] {
            assert!(!is_here(away), "{away}");
        }
    }
}
