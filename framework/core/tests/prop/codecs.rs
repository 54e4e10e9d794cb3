//! What is written reads back, and only what is written like that is read.

use std::sync::Arc;

use headwater_core::chain::{Chain, Digest};
use headwater_core::protocol::{
    LogPosition, Problem, ProblemCode, PullReply, PushReply, PushRequest, VERSION, WireEvent,
};
use headwater_core::{
    Args, BackendId, Claim, ClientId, EventBody, EventId, EventRecord, EventScope, Facts, SeqNum, SessionId,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn seq_num() -> impl Strategy<Value = SeqNum> {
    (any::<u64>(), any::<u32>(), any::<u32>()).prop_map(|(global, client, generation)| SeqNum {
        global,
        client,
        generation,
    })
}

/// JSON as people and other programs write it: any white space, numbers beyond 64 bits, escapes, keys twice.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?",
        any::<String>().prop_map(|text| serde_json::to_string(&text).expect("a text is JSON")),
        Just(r#""\u00e9\uD83D\uDE00\/\b""#.to_owned()),
    ];
    let space = || "[ \n\t\r]{0,3}";
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let list = (vec(inner.clone(), 0..4), space())
            .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},"))));
        let map = (vec(("(a|b|é|)", inner), 0..4), space()).prop_map(|(fields, space)| {
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{space}\"{key}\"{space}:{value}")).collect();
            format!("{{{}{space}}}", fields.join(","))
        });
        prop_oneof![list, map]
    })
}

fn facts() -> impl Strategy<Value = Facts> {
    let some = || vec("[a-z]{1,4}/[^/]{0,4}", 0..3);
    (some(), some(), some()).prop_map(|(writes, requires, reads)| Facts { writes, requires, reads })
}

prop_compose! {
    fn event_body()(
        id in any::<[u8; 16]>(),
        name in ".{1,12}",
        ver in any::<u32>(),
        json in json(),
        client in "[A-Za-z0-9_-]{1,64}",
        session in "[A-Za-z0-9_-]{1,64}",
        group_rest in 0..10_000_u32,
        facts in facts(),
    ) -> EventBody {
        EventBody {
            id: EventId::from_bytes(id),
            name: name.into(),
            ver,
            args: Args::from_json(json).expect("the strategy makes JSON"),
            client_id: ClientId::new(client).expect("valid"),
            session_id: SessionId::new(session).expect("valid"),
            scope: EventScope::Synced,
            group_rest,
            facts,
        }
    }
}

fn event() -> impl Strategy<Value = EventRecord> {
    (0..u64::MAX, event_body()).prop_map(|(head, body)| EventRecord::after(&SeqNum::global(head), Arc::new(body)))
}

fn log() -> impl Strategy<Value = LogPosition> {
    let ids = (any::<[u8; 16]>(), any::<[u8; 32]>());
    (ids, any::<u64>(), any::<u64>()).prop_map(|((backend_id, chain), epoch, head)| LogPosition {
        backend_id: BackendId::from_bytes(backend_id),
        epoch,
        head,
        chain: Chain::from_bytes(chain),
    })
}

/// Writes and reads, from bytes and from a stream.
fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> (T, T) {
    let bytes = serde_json::to_vec(value).expect("it can be written");
    let read = serde_json::from_slice(&bytes).expect("it reads back");
    let streamed = serde_json::from_reader(bytes.as_slice()).expect("it reads back from a stream");
    (read, streamed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sequence_numbers_round_trip(seq in seq_num()) {
        prop_assert_eq!(seq.to_string().parse(), Ok(seq));
    }

    #[test]
    fn what_reads_as_a_sequence_number_is_written_like_that(text in "e?[0-9]{0,3}[e.r0-9]{0,5}|\\PC{0,8}") {
        if let Ok(seq) = text.parse::<SeqNum>() {
            prop_assert_eq!(seq.to_string(), text);
        }
    }

    #[test]
    fn what_reads_as_an_id_is_written_like_that(text in "[A-Za-z0-9_=-]{20,24}") {
        if let Ok(id) = text.parse::<EventId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn args_keep_their_bytes(json in json()) {
        let args = Args::from_json(json.clone()).expect("the strategy makes JSON");
        prop_assert_eq!(args.json(), &json);
        let (read, streamed) = through_json(&args);
        prop_assert_eq!((read.json(), streamed.json()), (&*json, &*json));
    }

    #[test]
    fn an_event_survives_the_wire(event in event()) {
        let wire = WireEvent::from(&event);
        let (read, streamed) = through_json(&wire);
        prop_assert_eq!(&read, &wire);
        prop_assert_eq!(&streamed, &wire);
        let back = EventRecord::from(read);
        prop_assert_eq!(back.body.digest(), event.body.digest());
        prop_assert_eq!(back, event);
    }

    #[test]
    fn events_survive_every_message(
        events in vec(event(), 0..4),
        log in log(),
        known in any::<bool>(),
        number in any::<u64>(),
    ) {
        let events: Vec<_> = events.iter().map(WireEvent::from).collect();
        let push = PushRequest {
            protocol: VERSION,
            backend_id: known.then_some(log.backend_id),
            epoch: known.then_some(log.epoch),
            client_id: ClientId::new("A").expect("valid"),
            claim: Claim::of_secret(log.chain.as_bytes()),
            parent: number,
            parent_chain: log.chain,
            events: events.clone(),
        };
        prop_assert_eq!(through_json(&push), (push.clone(), push));
        let page = PullReply { log, events: events.clone(), remaining: number };
        prop_assert_eq!(through_json(&page), (page.clone(), page));
        let accepted = PushReply { log, positions: vec![number, 1], duplicate: known };
        prop_assert_eq!(through_json(&accepted), (accepted.clone(), accepted));
        let mut behind = Problem::new(ProblemCode::Behind, "pull first");
        (behind.tail, behind.more, behind.log) = (events, known, known.then_some(log));
        prop_assert_eq!(through_json(&behind), (behind.clone(), behind));
    }

    #[test]
    fn the_digest_covers_every_field(one in event_body(), other in event_body(), field in 0..9_usize) {
        let mut changed = one.clone();
        match field {
            0 => changed.id = other.id,
            1 => changed.name = other.name,
            2 => changed.ver = other.ver,
            3 => changed.args = other.args,
            4 => changed.client_id = other.client_id,
            5 => changed.session_id = other.session_id,
            6 => changed.scope = EventScope::ClientOnly,
            7 => changed.group_rest = other.group_rest,
            _ => changed.facts = other.facts,
        }
        prop_assert_eq!(changed == one, Digest::of(&changed) == Digest::of(&one));
    }

    #[test]
    fn the_chain_depends_on_every_event_and_on_their_order(
        bodies in vec(event_body(), 2..6),
        (at, with) in (0..6_usize, 0..6_usize),
    ) {
        let chain = |bodies: &[EventBody]| {
            let numbered = (1..).zip(bodies);
            numbered.fold(Chain::ROOT, |chain, (global, body)| chain.next(global, &body.digest()))
        };
        let mut swapped = bodies.clone();
        swapped.swap(at % bodies.len(), with % bodies.len());
        prop_assert_eq!(swapped == bodies, chain(&swapped) == chain(&bodies));
        prop_assert_ne!(chain(&bodies[1..]), chain(&bodies));
    }
}
