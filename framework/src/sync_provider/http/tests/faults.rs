//! What is not an answer, whoever sent it.

use std::io::Write as _;
use std::net::TcpListener;

use headwater_core::limits::MAX_REPLY_BODY_BYTES;

use super::*;

/// Short, because these tests wait for it.
const SHORT: Duration = Duration::from_millis(50);

#[track_caller]
fn assert_not_ours<T: fmt::Debug>(what: &str, result: &Result<T, TransportError>) {
    let Err(TransportError::NotOurs(_)) = result else { panic!("{what}: {result:?}") };
}

#[track_caller]
fn assert_offline<T: fmt::Debug>(what: &str, result: &Result<T, TransportError>) {
    let Err(TransportError::Offline(_)) = result else { panic!("{what}: {result:?}") };
}

/// Answers connections in turn with every beginning of a reply, but not with all of it.
async fn check_each_cut(reply: String) {
    let whole = reply.clone().into_bytes();
    let lengths = std::sync::atomic::AtomicUsize::new(0);
    let server = Canned::with(move |stream| {
        let length = lengths.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let _ = stream.write_all(&whole[..length]);
    });
    let sync = server.sync();
    for cut in 0..reply.len() {
        let answer = sync.push(&store(), batch()).await;
        let open = matches!(answer, Err(TransportError::Offline(_) | TransportError::NotOurs(_)));
        assert!(open, "cut after {cut} of {} bytes: {answer:?}", reply.len());
    }
    assert_eq!(server.heads().len(), reply.len(), "each request was sent once");
}

#[tokio::test]
async fn a_reply_cut_at_any_byte_is_no_answer() {
    check_each_cut(reply(200, JSON, &accepted_json())).await;
    check_each_cut(problem(409, "behind", &format!(",{}", position_fields()))).await;
}

#[tokio::test]
async fn a_reply_without_a_length_cut_at_any_byte_is_no_answer() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\n\r\n");
    check_each_cut(format!("{head}{}", accepted_json())).await;
}

#[tokio::test]
async fn a_reply_in_chunks_cut_at_any_byte_is_no_answer() {
    let body = accepted_json();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ntransfer-encoding: chunked\r\n\r\n");
    check_each_cut(format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len())).await;
}

#[tokio::test]
async fn a_doubled_body_is_no_answer() {
    let body = accepted_json();
    assert_not_ours("two bodies", &push_to(reply(200, JSON, &format!("{body}{body}"))).await);
    assert_not_ours("two bodies apart", &push_to(reply(200, JSON, &format!("{body}\n{body}"))).await);
}

#[tokio::test]
async fn a_doubled_reply_counts_once() {
    let reply = reply(200, JSON, &accepted_json());
    assert_eq!(push_to(format!("{reply}{reply}")).await, Ok(PushAnswer::Accepted(accepted())));
}

#[tokio::test]
async fn what_others_say_is_no_answer() {
    let accepted = accepted_json();
    let problem = problem_json(409, "client_id_taken", "");
    let html = "<html>Sign in to this network</html>";
    let no_type = reply_with(200, "", &accepted);
    let two_types = reply_with(200, &format!("content-type: {JSON}\r\ncontent-type: text/html\r\n"), &accepted);
    for (what, reply) in [
        ("a proxy's page", reply(200, "text/html", html)),
        ("a page that says it is JSON", reply(200, JSON, html)),
        ("JSON that says it is a page", reply(200, "text/html", &accepted)),
        ("JSON that says nothing", no_type),
        ("JSON that says it is two things", two_types),
        ("JSON of something else", reply(200, JSON, "{}")),
        ("nothing", reply(200, JSON, "")),
        ("another success", reply(202, JSON, &accepted)),
        ("no content", format!("HTTP/1.1 204 No Content\r\ncontent-type: {JSON}\r\n\r\n")),
        ("a gateway's page", reply(502, "text/html", html)),
        ("an error that is no problem", reply(409, JSON, &problem)),
        ("a success that is a problem", reply(200, PROBLEM_JSON, &accepted)),
        ("a problem of another status", reply(403, PROBLEM_JSON, &problem)),
        ("a code of another status", super::problem(403, "client_id_taken", "")),
        ("a head that is said twice", reply(200, JSON, &accepted.replacen('{', r#"{"head":1,"#, 1))),
        ("positions that are said twice", reply(200, JSON, &accepted.replacen('{', r#"{"positions":[2],"#, 1))),
    ] {
        assert_not_ours(what, &push_to(reply).await);
    }
}

#[tokio::test]
async fn arguments_that_are_not_text_are_no_answer() {
    let mut reply = reply(200, JSON, &page_json()).into_bytes();
    assert!(pull_from(reply.clone()).await.is_ok());
    let at = reply.windows(7).position(|window| window == b"private").expect("it is in the arguments");
    reply[at] = 0xff;
    assert_not_ours("not UTF-8", &pull_from(reply).await);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Canned::new(reply(200, JSON, &accepted_json()));
    for status in [301, 302, 303, 307, 308] {
        let headers = format!("location: {}/\r\ncontent-type: {JSON}\r\n", elsewhere.url());
        assert_not_ours("a redirect", &push_to(reply_with(status, &headers, &accepted_json())).await);
    }
    assert!(elsewhere.heads().is_empty());
}

#[tokio::test]
async fn silence_is_offline() {
    let server = Canned::silent();
    let sync = server.sync().timeout(SHORT);
    assert_offline("push", &sync.push(&store(), batch()).await);
    assert_offline("pull", &sync.pull(&store(), PullRequest::default()).await);
    assert_offline("ping", &sync.ping(&store()).await);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_no_answer() {
    let held = std::sync::Mutex::new(Vec::new());
    let server = Canned::with(move |stream| {
        let reply = reply(200, JSON, &accepted_json());
        stream.write_all(&reply.as_bytes()[..reply.len() - 1]).unwrap();
        held.lock().unwrap().push(stream.try_clone().unwrap());
    });
    let answer = server.sync().timeout(SHORT).push(&store(), batch()).await;
    // Which of the two depends on how fast the beginning comes.
    assert!(matches!(answer, Err(TransportError::NotOurs(_) | TransportError::Offline(_))), "{answer:?}");
}

#[tokio::test]
async fn nobody_there_is_offline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_offline("refused", &HttpSync::new(&url).unwrap().ping(&store()).await);
    let tls_to_plain = Canned::new(reply(200, JSON, &position_json())).url().replace("http:", "https:");
    assert_offline("no TLS", &HttpSync::new(&tls_to_plain).unwrap().timeout(SHORT).ping(&store()).await);
}

fn too_large() -> TransportError {
    TransportError::NotOurs("a reply of status 200 with a body that is too large".into())
}

/// Gzip without an end: how it begins, and what may follow any number of times. Each stands for 1 MiB of blanks.
fn endless_gzip() -> (Vec<u8>, Vec<u8>) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let blanks = vec![b' '; 1024 * 1024];
    let mut parts = Vec::new();
    for _ in 0..2 {
        encoder.write_all(&blanks).unwrap();
        encoder.flush().unwrap();
        parts.push(std::mem::take(encoder.get_mut()));
    }
    let again = parts.pop().unwrap();
    (parts.pop().unwrap(), again)
}

#[tokio::test]
async fn a_decompression_bomb_is_stopped_at_the_limit() {
    let (begin, again) = endless_gzip();
    assert!(again.len() < 64 * 1024, "it is a bomb");
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ncontent-encoding: gzip\r\n\r\n");
    let server = Canned::with(move |stream| {
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&begin));
        while stream.write_all(&again).is_ok() {}
    });
    assert_eq!(server.sync().push(&store(), batch()).await, Err(too_large()));
}

#[tokio::test]
async fn a_gzip_reply_is_read() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(accepted_json().as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let reply = [head.clone().into_bytes(), body].concat();
    assert_eq!(push_to(reply).await, Ok(PushAnswer::Accepted(accepted())));
    assert_not_ours("no gzip", &push_to(format!("{head}{:>100}", accepted_json())).await);
}

#[tokio::test]
async fn a_body_larger_than_the_limit_is_not_read() {
    let declared =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ncontent-length: {}\r\n\r\n", MAX_REPLY_BODY_BYTES + 1);
    assert_eq!(push_to(declared).await, Err(too_large()));
    let body = format!("{}{}", accepted_json(), " ".repeat(MAX_REPLY_BODY_BYTES));
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\n\r\n{body}");
    assert_eq!(push_to(endless).await, Err(too_large()));
}

#[tokio::test]
async fn what_a_backend_writes_is_cut_and_cleaned() {
    let detail = format!("line\\n\\u001b[31m{}", "x".repeat(10_000));
    let body = format!(r#"{{"code":"forbidden","status":403,"detail":"{detail}"}}"#);
    let answer = push_to(reply(403, PROBLEM_JSON, &body)).await;
    let Err(TransportError::Forbidden(text)) = answer else { panic!("{answer:?}") };
    assert!(text.starts_with("line[31mxxx"), "{text}");
    assert_eq!(text.len(), 500);
}

#[tokio::test]
async fn an_error_quotes_neither_arguments_nor_the_token() {
    let body = page_json().replace("\"remaining\":3", "\"remaining\":\"private\"");
    let server = Canned::new(reply(200, JSON, &body));
    let result = server.sync().token("s3cret").unwrap().pull(&store(), PullRequest::default()).await;
    let text = format!("{result:?}");
    assert!(text.contains("does not decode") && !text.contains("private") && !text.contains("s3cret"), "{text}");
}
