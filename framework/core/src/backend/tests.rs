//! What the decisions are, row by row of the protocol's table.

use super::{Append, PageBounds, PageCut, PageStep, PushDecision, PushView, judge_pull, judge_push};
use crate::limits;
use crate::protocol::{LogPosition, PushRequest, VERSION, WireEvent};
use crate::{Args, BackendId, Chain, Claim, ClientId, EventId, EventRecord, Facts, SessionId};

const CLAIM: Claim = Claim::from_bytes([7; 32]);
const OTHER_CLAIM: Claim = Claim::from_bytes([8; 32]);
/// The head that the tests begin with.
const HEAD: u64 = 41;
const CHAIN: Chain = Chain::from_bytes([3; 32]);

fn log() -> LogPosition {
    LogPosition { backend_id: BackendId::from_bytes([1; 16]), epoch: 2, head: HEAD, chain: CHAIN }
}

fn client(name: &str) -> ClientId {
    ClientId::new(name).unwrap()
}

fn args(json: impl Into<String>) -> Args {
    Args::from_json(json.into()).unwrap()
}

/// An event whose id is its number.
fn event(seq_num: u64, group: u32) -> WireEvent {
    WireEvent {
        seq_num,
        parent_seq_num: seq_num - 1,
        name: "v1.TodoCreated".into(),
        args: args(r#"{ "id": "a" }"#),
        client_id: client("A"),
        session_id: SessionId::new("s").unwrap(),
        id: EventId::from_bytes(u128::from(seq_num).to_le_bytes()),
        ver: 1,
        group,
        facts: Facts::default(),
    }
}

/// A batch behind the head: each number is an event's rest of its group.
fn batch(groups: &[u32]) -> PushRequest {
    PushRequest {
        protocol: VERSION,
        backend_id: Some(log().backend_id),
        epoch: Some(log().epoch),
        client_id: client("A"),
        claim: CLAIM,
        parent: HEAD,
        parent_chain: CHAIN,
        events: (HEAD + 1..).zip(groups).map(|(seq, group)| event(seq, *group)).collect(),
    }
}

/// One event, then a group of three.
fn good() -> PushRequest {
    batch(&[0, 2, 1, 0])
}

fn judge(request: &PushRequest, claim: Option<Claim>, known: &[Option<u64>]) -> PushDecision {
    judge_push(&PushView { log: log(), claim, known }, request)
}

fn judge_new(request: &PushRequest) -> PushDecision {
    judge(request, None, &vec![None; request.events.len()])
}

#[track_caller]
fn appended(decision: PushDecision) -> Append {
    match decision {
        PushDecision::Append(append) => append,
        other => panic!("expected to append, got {other:?}"),
    }
}

#[test]
fn a_good_batch_is_appended_behind_the_head_with_its_chain() {
    let request = good();
    let append = appended(judge_new(&request));
    let mut chain = CHAIN;
    for (wire, chained) in request.events.iter().zip(&append.events) {
        assert_eq!(chained.event, EventRecord::from(wire.clone()));
        chain = chain.next(wire.seq_num, &chained.event.body.digest());
        assert_eq!(chained.chain, chain);
    }
    assert_eq!(append.log, LogPosition { head: 45, chain, ..log() });
    assert_eq!(append.new_claim, Some(CLAIM));
    assert_eq!((append.reply().positions, append.reply().duplicate), (vec![42, 43, 44, 45], false));
}

#[test]
fn a_claim_is_kept_at_the_first_push_only() {
    let append = appended(judge(&good(), Some(CLAIM), &[None; 4]));
    assert_eq!(append.new_claim, None);
}

#[test]
fn a_first_contact_names_no_backend() {
    let request = PushRequest { backend_id: None, epoch: None, ..good() };
    appended(judge_new(&request));
}

#[test]
fn another_backend_or_epoch_comes_before_every_other_check() {
    let other = [
        PushRequest { backend_id: Some(BackendId::from_bytes([9; 16])), ..good() },
        PushRequest { epoch: Some(3), ..good() },
        PushRequest { epoch: Some(1), events: Vec::new(), ..good() },
    ];
    for request in other {
        let known = vec![Some(1); request.events.len()];
        assert_eq!(judge(&request, Some(OTHER_CLAIM), &known), PushDecision::BackendMismatch);
    }
}

#[test]
fn another_claim_comes_before_the_resend() {
    let known = [Some(1), Some(2), Some(3), Some(4)];
    assert_eq!(judge(&good(), Some(OTHER_CLAIM), &known), PushDecision::ClientIdTaken);
}

#[test]
fn a_resend_is_answered_with_its_positions_wherever_the_head_is() {
    let request = PushRequest { parent: 10, parent_chain: Chain::ROOT, ..good() };
    match judge(&request, Some(CLAIM), &[Some(11), Some(12), Some(13), Some(14)]) {
        PushDecision::Duplicate(reply) => {
            assert_eq!((reply.log, reply.positions, reply.duplicate), (log(), vec![11, 12, 13, 14], true));
        }
        other => panic!("expected a duplicate, got {other:?}"),
    }
}

#[test]
fn a_batch_that_is_partly_known_or_in_another_order_is_behind() {
    for known in [
        [Some(11), None, None, None],
        [None, None, None, Some(11)],
        [Some(11), Some(12), Some(13), None],
        [Some(12), Some(11), Some(13), Some(14)],
        [Some(11), Some(11), Some(11), Some(11)],
    ] {
        assert_eq!(judge(&good(), Some(CLAIM), &known), PushDecision::Behind, "{known:?}");
    }
}

#[test]
fn another_parent_or_chain_is_behind_even_if_the_batch_is_malformed() {
    for (parent, parent_chain) in [(HEAD - 1, CHAIN), (HEAD + 1, CHAIN), (u64::MAX, CHAIN), (HEAD, Chain::ROOT)] {
        let request = PushRequest { parent, parent_chain, events: vec![event(7, 3)], ..good() };
        assert_eq!(judge_new(&request), PushDecision::Behind);
    }
}

type Change = Box<dyn Fn(&mut PushRequest)>;

fn case(name: &'static str, change: impl Fn(&mut PushRequest) + 'static) -> (&'static str, Change) {
    (name, Box::new(change))
}

/// Batches with wrong numbers, groups or ids, each by one change to a good one.
fn disordered() -> Vec<(&'static str, Change)> {
    vec![
        case("no events", |r| r.events.clear()),
        case("the first number is the head", |r| r.events[0].seq_num = HEAD),
        case("the first number skips one", |r| r.events[0].seq_num += 1),
        case("the first number is 0", |r| r.events[0].seq_num = 0),
        case("the first parent is before the head", |r| r.events[0].parent_seq_num -= 1),
        case("the first parent is after the head", |r| r.events[0].parent_seq_num += 1),
        case("the second number repeats", |r| r.events[1].seq_num -= 1),
        case("the second number skips one", |r| r.events[1].seq_num += 1),
        case("the third number is the largest there is", |r| r.events[2].seq_num = u64::MAX),
        case("the last number skips one", |r| r.events[3].seq_num += 1),
        case("the second parent is the batch's", |r| r.events[1].parent_seq_num = HEAD),
        case("the third parent is 0", |r| r.events[2].parent_seq_num = 0),
        case("the last parent is itself", |r| r.events[3].parent_seq_num += 1),
        case("two events are swapped", |r| r.events.swap(1, 2)),
        case("the batch is reversed", |r| r.events.reverse()),
        case("an event is missing inside", |r| drop(r.events.remove(2))),
        case("the first event is missing", |r| drop(r.events.remove(0))),
        case("the same event twice", |r| r.events.insert(1, r.events[0].clone())),
        case("the same id under two numbers", |r| r.events[3].id = r.events[0].id),
        case("the same id in neighbours", |r| r.events[1].id = r.events[0].id),
        case("the group goes on after the batch", |r| drop(r.events.pop())),
        case("the batch is the start of a group", |r| r.events.truncate(2)),
        case("the last of the group counts one more", |r| r.events[3].group = 1),
        case("the group counts upwards", |r| r.events[2].group = 3),
        case("the group stands still", |r| r.events[2].group = 2),
        case("the group skips one", |r| r.events[1].group = 3),
        case("the group ends early", |r| r.events[2].group = 0),
        case("the group has no end", |r| r.events[1].group = u32::MAX),
        case("the last event begins a group", |r| r.events[3].group = 7),
    ]
}

/// Batches with events that are not what an event may be, each by one change to a good one.
fn misshapen() -> Vec<(&'static str, Change)> {
    fn nested(open: &str, close: &str) -> String {
        let depth = limits::MAX_ARGS_DEPTH + 1;
        format!("{}1{}", open.repeat(depth), close.repeat(depth))
    }
    let facts = |count: usize| vec!["f".to_owned(); count];
    let long_fact = || vec!["f".repeat(limits::MAX_FACT_BYTES + 1)];
    let long_args = || args(format!("\"{}\"", "x".repeat(limits::MAX_ARGS_BYTES)));
    vec![
        case("an empty name", |r| r.events[1].name = "".into()),
        case("a long name", |r| r.events[1].name = "n".repeat(limits::MAX_EVENT_NAME_BYTES + 1).into()),
        case("a name with NUL", |r| r.events[3].name = "v1\0".into()),
        case("a name with a line break", |r| r.events[0].name = "v1.A\nlog line".into()),
        case("version 0", |r| r.events[2].ver = 0),
        case("large arguments in the first event", move |r| r.events[0].args = long_args()),
        case("large arguments in the last event", move |r| r.events[3].args = long_args()),
        case("deep arrays", |r| r.events[0].args = args(nested("[", "]"))),
        case("deep objects", |r| r.events[3].args = args(nested(r#"{"a":"#, "}"))),
        case("deep behind a string with brackets", |r| {
            r.events[3].args = args(format!(r#"["]]\"]", {}]"#, nested("[", "]")));
        }),
        case("many facts", move |r| r.events[1].facts.writes = facts(limits::MAX_FACTS + 1)),
        case("many facts of several kinds", move |r| {
            r.events[3].facts = Facts { writes: facts(100), requires: facts(100), reads: facts(100) };
        }),
        case("a long fact that is written", move |r| r.events[3].facts.writes = long_fact()),
        case("a long fact that is required", move |r| r.events[1].facts.requires = long_fact()),
        case("a long fact that is read", move |r| r.events[0].facts.reads = long_fact()),
        case("an event of another client", |r| r.events[2].client_id = client("B")),
        case("a batch of another client", |r| r.client_id = client("B")),
        case("more events than a push may have", |r| {
            r.events = batch(&[0; limits::MAX_PUSH_EVENTS + 1]).events;
        }),
        case("more bytes than a push may have", |r| {
            for event in &mut r.events {
                event.args = args(format!("\"{}\"", "x".repeat(limits::MAX_PUSH_BYTES / 4)));
            }
        }),
        case("one group with more bytes than a group may have", |r| {
            r.events.remove(0);
            *r = PushRequest { events: batch(&[4, 3, 2, 1, 0]).events, ..r.clone() };
            for event in &mut r.events {
                event.args = args(format!("\"{}\"", "x".repeat(limits::MAX_GROUP_BYTES / 5)));
            }
        }),
    ]
}

#[test]
fn a_malformed_batch_appends_nothing() {
    appended(judge_new(&good()));
    for (name, change) in disordered().into_iter().chain(misshapen()) {
        let mut request = good();
        change(&mut request);
        match judge_new(&request) {
            PushDecision::Malformed { reason } => assert!(!reason.contains("xxx"), "{name}: {reason}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn limits_are_inclusive() {
    let largest: Vec<u32> = (0..limits::MAX_GROUP_EVENTS as u32).rev().collect();
    appended(judge_new(&batch(&largest)));
    appended(judge_new(&batch(&[0; limits::MAX_PUSH_EVENTS])));
    let mut request = good();
    let event = &mut request.events[0];
    event.name = "n".repeat(limits::MAX_EVENT_NAME_BYTES).into();
    event.facts.reads = vec!["f".repeat(limits::MAX_FACT_BYTES); limits::MAX_FACTS];
    let deep = limits::MAX_ARGS_DEPTH;
    event.args = args(format!("{}{}", "[".repeat(deep), "]".repeat(deep)));
    appended(judge_new(&request));
    let mut request = batch(&[0]);
    request.events[0].args = args(format!("\"{}\"", "x".repeat(limits::MAX_ARGS_BYTES - 2)));
    appended(judge_new(&request));
}

#[test]
fn a_group_longer_than_the_limit_is_refused_by_its_first_event() {
    let longer: Vec<u32> = (0..=limits::MAX_GROUP_EVENTS as u32).rev().collect();
    assert!(matches!(judge_new(&batch(&longer)), PushDecision::Malformed { .. }));
}

#[test]
fn the_size_of_an_event_is_the_same_for_client_and_backend() {
    let mut wire = event(1, 0);
    wire.facts = Facts { writes: vec!["a/1".into()], requires: vec!["b".into()], reads: vec!["cc".into(), "d".into()] };
    assert_eq!(super::batch::wire_bytes(&wire), EventRecord::from(wire).body.wire_bytes());
}

#[test]
fn histories_are_compared_where_both_have_them() {
    let here = Chain::from_bytes([5; 32]);
    assert_eq!(judge_pull(&log(), 40, Some(here), None), Ok(()));
    assert_eq!(judge_pull(&log(), 40, Some(here), Some(here)), Ok(()));
    assert_eq!(judge_pull(&log(), 40, Some(here), Some(CHAIN)), Err(39));
    assert_eq!(judge_pull(&log(), HEAD, Some(CHAIN), Some(CHAIN)), Ok(()));
    assert_eq!(judge_pull(&log(), HEAD + 1, None, None), Err(HEAD));
    assert_eq!(judge_pull(&log(), u64::MAX, None, Some(CHAIN)), Err(HEAD));
    assert_eq!(judge_pull(&log(), 0, Some(Chain::ROOT), Some(CHAIN)), Err(0));
}

/// Pages of a log whose events have these rests of their groups, as counts of events.
fn pages(groups: &[u32], bounds: PageBounds) -> Vec<usize> {
    let log = batch(groups).events;
    let mut rest = &log[..];
    let mut pages = Vec::new();
    while !rest.is_empty() {
        let mut cut = PageCut::new(bounds);
        for event in rest {
            if cut.add(event.clone()) == PageStep::Full {
                break;
            }
        }
        let page = cut.finish();
        assert_eq!(page, rest[..page.len()]);
        assert_eq!(page.last().map(|event| event.group), Some(0), "a group is split");
        rest = &rest[page.len()..];
        pages.push(page.len());
    }
    pages
}

#[test]
fn a_page_is_whole_groups_and_at_least_one() {
    let bytes = usize::MAX;
    assert_eq!(pages(&[0, 0, 0, 0, 0], PageBounds { events: 2, bytes }), [2, 2, 1]);
    assert_eq!(pages(&[0, 2, 1, 0, 0], PageBounds { events: 2, bytes }), [1, 3, 1]);
    assert_eq!(pages(&[0, 2, 1, 0, 0], PageBounds { events: 4, bytes }), [4, 1]);
    assert_eq!(pages(&[3, 2, 1, 0, 1, 0], PageBounds { events: 1, bytes }), [4, 2]);
    let one = super::batch::wire_bytes(&event(1, 0));
    assert_eq!(pages(&[0, 0, 0], PageBounds { events: 9, bytes: 2 * one }), [2, 1]);
    assert_eq!(pages(&[0, 2, 1, 0, 0], PageBounds { events: 9, bytes: 2 * one }), [1, 3, 1]);
    assert_eq!(pages(&[0, 0], PageBounds { events: 9, bytes: 1 }), [1, 1]);
}
