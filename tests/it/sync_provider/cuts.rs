//! A proxy between client and server that cuts each reply after so many bytes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use headwater::sync_provider::{HttpSync, SyncProvider, TransportError};
use headwater_core::protocol::{PullAnswer, PullRequest, PushAnswer};

use super::batches::{ROOT, batch, head, store};

/// One request for each connection. It ends with the process of the test.
struct Cutter {
    address: SocketAddr,
    /// How many bytes of a reply go through.
    bytes: Arc<AtomicUsize>,
    /// How long the last reply was.
    reply_bytes: Arc<AtomicUsize>,
}

impl Cutter {
    fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (bytes, reply_bytes) = (Arc::new(AtomicUsize::new(usize::MAX)), Arc::new(AtomicUsize::new(0)));
        let cutter = Self { address, bytes: bytes.clone(), reply_bytes: reply_bytes.clone() };
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.expect("a connection");
                let mut upstream = TcpStream::connect(server).expect("the server is there");
                upstream.write_all(&message(&client)).expect("the server reads");
                let reply = message(&upstream);
                reply_bytes.store(reply.len(), Ordering::SeqCst);
                // The client may be gone.
                let _ = client.write_all(&reply[..bytes.load(Ordering::SeqCst).min(reply.len())]);
            }
        });
        cutter
    }

    fn sync(&self) -> HttpSync {
        HttpSync::new(format!("http://{}", self.address)).expect("an address")
    }

    fn cut_after(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::SeqCst);
    }

    /// Whether the last reply was cut, and not merely as long as allowed.
    fn has_cut(&self) -> bool {
        self.bytes.load(Ordering::SeqCst) < self.reply_bytes.load(Ordering::SeqCst)
    }
}

/// One message of HTTP with a length.
fn message(stream: &TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(stream);
    let (mut message, mut body_bytes) = (String::new(), 0);
    loop {
        let start = message.len();
        reader.read_line(&mut message).expect("a line");
        let line = message[start..].to_ascii_lowercase();
        if let Some(length) = line.strip_prefix("content-length:") {
            body_bytes = length.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; body_bytes];
    reader.read_exact(&mut body).expect("the whole body");
    [message.into_bytes(), body].concat()
}

fn is_open<T>(answer: &Result<T, TransportError>) -> bool {
    matches!(answer, Err(TransportError::Offline(_) | TransportError::NotOurs(_)))
}

/// The batch was appended each time, and the client could not know. Sending it again is harmless, and settles it.
#[tokio::test]
async fn a_push_whose_answer_is_cut_at_any_byte_is_settled_by_a_resend() {
    let server = super::server();
    let (cutter, direct) = (Cutter::start(server.addr()), super::http::sync(&server));
    let mut parent = ROOT;
    let mut cuts = 0;
    for bytes in 0.. {
        let request = batch("A", parent, &[&format!("event{bytes}")]);
        cutter.cut_after(bytes);
        let answer = cutter.sync().push(&store(), request.clone()).await;
        if !cutter.has_cut() {
            assert!(matches!(answer, Ok(PushAnswer::Accepted(_))), "the whole reply: {answer:?}");
            break;
        }
        assert!(is_open(&answer), "cut after {bytes} bytes: {answer:?}");
        let again = direct.push(&store(), request).await;
        let Ok(PushAnswer::Accepted(reply)) = again else { panic!("cut after {bytes} bytes: {again:?}") };
        assert!(reply.duplicate && reply.log.head == parent.0 + 1, "it was appended once: {reply:?}");
        parent = head(&reply.log);
        cuts += 1;
    }
    assert!(cuts > 200, "only {cuts} cuts");
}

#[tokio::test]
async fn a_pull_cut_at_any_byte_brings_nothing() {
    let server = super::server();
    let (cutter, direct) = (Cutter::start(server.addr()), super::http::sync(&server));
    direct.push(&store(), batch("A", ROOT, &["a", "b"])).await.expect("a definite answer");
    let whole = direct.pull(&store(), PullRequest::default()).await.expect("a definite answer");
    assert!(matches!(&whole, PullAnswer::Page(page) if page.events.len() == 2));
    let mut cuts = 0;
    for bytes in 0.. {
        cutter.cut_after(bytes);
        let answer = cutter.sync().pull(&store(), PullRequest::default()).await;
        if !cutter.has_cut() {
            assert_eq!(answer, Ok(whole));
            break;
        }
        assert!(is_open(&answer), "cut after {bytes} bytes: {answer:?}");
        cuts += 1;
    }
    assert!(cuts > 400, "only {cuts} cuts");
}
