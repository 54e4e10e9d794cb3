//! A server that says what it was told to say.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::sync_provider::HttpSync;

/// Answers each connection with the same bytes, and closes it.
pub(super) struct Canned {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    pub(super) fn new(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        Self::with(move |stream| {
            // The client hangs up when it has seen enough.
            let _ = stream.write_all(&reply);
        })
    }

    /// Takes requests, and never says a word.
    pub(super) fn silent() -> Self {
        let held = Mutex::new(Vec::new());
        Self::with(move |stream| held.lock().unwrap().push(stream.try_clone().unwrap()))
    }

    pub(super) fn with(answer: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        // It ends with the process of the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                if let Some(head) = read_request(&stream) {
                    seen.lock().unwrap().push(head);
                    answer(&mut stream);
                }
            }
        });
        Self { url, heads }
    }

    pub(super) fn sync(&self) -> HttpSync {
        HttpSync::new(&self.url).unwrap()
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The heads of the requests so far.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// The head of a request, after reading its body as well.
fn read_request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut body_bytes) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            body_bytes = length.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    reader.read_exact(&mut vec![0; body_bytes]).ok()?;
    Some(head)
}

/// A reply with a length.
pub(super) fn reply(status: u16, content_type: &str, body: &str) -> String {
    reply_with(status, &format!("content-type: {content_type}\r\n"), body)
}

pub(super) fn reply_with(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}
