//! Every branch of the merge, as scenarios: see `notation`.

mod notation;

use expect_test::expect;

use notation::check;

// The boundary to the backend.

#[test]
fn a_synced_event_is_pending_until_upstream_has_it() {
    check(
        "backend e1 | push e2' | push e3' e4' | advance e2 e3",
        expect![[r#"
        push: advance new [e2] confirmed []
        push: advance new [e3 e4] confirmed []
        advance: advance new [] confirmed [e2 e3]
        pending [e4] upstream e3 settled e3 local e4
    "#]],
    );
}

#[test]
fn client_only_events_with_nothing_synced_before_them_are_settled_at_once() {
    check(
        "backend e1 | push e1.1 e1.2 e2' e2.1' | push e2.2'",
        expect![[r#"
        push: advance new [e1.1 e1.2 e2 e2.1] confirmed [e1.1 e1.2]
        push: advance new [e2.2] confirmed []
        pending [e2 e2.1 e2.2] upstream e1 settled e1.2 local e2.2
    "#]],
    );
}

#[test]
fn client_only_events_are_settled_with_the_synced_event_before_them() {
    check(
        "backend e1 | push e2' e2.1' e2.2' e3' e3.1' | advance e2 | advance e3",
        expect![[r#"
        push: advance new [e2 e2.1 e2.2 e3 e3.1] confirmed []
        advance: advance new [] confirmed [e2 e2.1 e2.2]
        advance: advance new [] confirmed [e3 e3.1]
        pending [] upstream e3 settled e3.1 local e3.1
    "#]],
    );
}

#[test]
fn events_of_others_are_new_when_nothing_is_pending() {
    check(
        "backend e1 | push e1.1 | advance x2 x3",
        expect![[r#"
        push: advance new [e1.1] confirmed [e1.1]
        advance: advance new [x2 x3] confirmed []
        pending [] upstream e3 settled e3 local e3
    "#]],
    );
}

#[test]
fn an_empty_page_and_an_empty_push_change_nothing() {
    check(
        "backend e1 | push e2' | advance | push ",
        expect![[r#"
        push: advance new [e2] confirmed []
        advance: advance new [] confirmed []
        push: advance new [] confirmed []
        pending [e2] upstream e1 settled e1 local e2
    "#]],
    );
}

#[test]
fn pending_events_are_rebased_onto_events_of_others() {
    check(
        "backend e1 | push e2' e3' | advance x2 x3 | advance x4",
        expect![[r#"
        push: advance new [e2 e3] confirmed []
        advance: rebase rollback [e2 e3] new [x2 x3 e2→4r1 e3→5r1] confirmed []
        advance: rebase rollback [e2→4r1 e3→5r1] new [x4 e2→5r2 e3→6r2] confirmed []
        pending [e2→5r2 e3→6r2] upstream e4 settled e4 local e6r2
    "#]],
    );
}

#[test]
fn client_only_events_among_the_pending_keep_their_place_in_a_rebase() {
    check(
        "backend e1 | push e1.1 e2' e2.1' e3' e3.1' e3.2' | advance x2",
        expect![[r#"
        push: advance new [e1.1 e2 e2.1 e3 e3.1 e3.2] confirmed [e1.1]
        advance: rebase rollback [e2 e2.1 e3 e3.1 e3.2] new [x2 e2→3r1 e2.1→3.1r1 e3→4r1 e3.1→4.1r1 e3.2→4.2r1] confirmed []
        pending [e2→3r1 e2.1→3.1r1 e3→4r1 e3.1→4.1r1 e3.2→4.2r1] upstream e2 settled e2 local e4.2r1
    "#]],
    );
}

/// The defect B0-1 of the reference system: a client-only event before a synced one, whose echo comes in one page
/// with somebody else's event.
#[test]
fn an_echo_behind_a_client_only_event_is_confirmed_and_not_numbered_again() {
    check(
        "backend e1 | push e1.1 | push e2' | advance e2 x3",
        expect![[r#"
        push: advance new [e1.1] confirmed [e1.1]
        push: advance new [e2] confirmed []
        advance: advance new [x3] confirmed [e2]
        pending [] upstream e3 settled e3 local e3
    "#]],
    );
    check(
        "backend e1 | push e2' e2.1' e3' | advance e2 e3 x4",
        expect![[r#"
        push: advance new [e2 e2.1 e3] confirmed []
        advance: advance new [x4] confirmed [e2 e2.1 e3]
        pending [] upstream e4 settled e4 local e4
    "#]],
    );
}

#[test]
fn a_client_only_event_behind_a_confirmed_one_stays_when_what_follows_it_is_rebased() {
    check(
        "backend e1 | push e2' e2.1' e3' | advance e2 x3",
        expect![[r#"
        push: advance new [e2 e2.1 e3] confirmed []
        advance: rebase rollback [e3] new [x3 e3→4r1] confirmed [e2 e2.1]
        pending [e3→4r1] upstream e3 settled e3 local e4r1
    "#]],
    );
}

#[test]
fn pages_make_no_difference() {
    check(
        "backend e1 | push e2' e2.1' e3' | advance e2 | advance x3",
        expect![[r#"
        push: advance new [e2 e2.1 e3] confirmed []
        advance: advance new [] confirmed [e2 e2.1]
        advance: rebase rollback [e3] new [x3 e3→4r1] confirmed []
        pending [e3→4r1] upstream e3 settled e3 local e4r1
    "#]],
    );
    check(
        "backend e1 | push e2' e2.1' e3' | advance x2 e2→3 x4",
        expect![[r#"
        push: advance new [e2 e2.1 e3] confirmed []
        advance: rebase rollback [e2 e2.1 e3] new [x2 e2→3 e2.1→3.1r1 x4 e3→5r1] confirmed [e2→3 e2.1→3.1r1]
        pending [e3→5r1] upstream e4 settled e4 local e5r1
    "#]],
    );
    check(
        "backend e1 | push e2' e2.1' e3' | advance x2 | advance e2→3 | advance x4",
        expect![[r#"
        push: advance new [e2 e2.1 e3] confirmed []
        advance: rebase rollback [e2 e2.1 e3] new [x2 e2→3r1 e2.1→3.1r1 e3→4r1] confirmed []
        advance: advance new [] confirmed [e2→3 e2.1→3.1r1]
        advance: rebase rollback [e3→4r1] new [x4 e3→5r2] confirmed []
        pending [e3→5r2] upstream e4 settled e4 local e5r2
    "#]],
    );
}

#[test]
fn an_own_event_is_confirmed_by_identity_wherever_upstream_has_it() {
    check(
        "backend e1 | push e2' e3' | advance x2 e2→3 e3→4",
        expect![[r#"
        push: advance new [e2 e3] confirmed []
        advance: rebase rollback [e2 e3] new [x2 e2→3 e3→4] confirmed [e2→3 e3→4]
        pending [] upstream e4 settled e4 local e4r1
    "#]],
    );
    check(
        "backend e1 | push e2' e2.1' e3' | advance e3→2",
        expect![[r#"
        push: advance new [e2 e2.1 e3] confirmed []
        advance: rebase rollback [e2 e2.1 e3] new [e3→2 e2→3r1 e2.1→3.1r1] confirmed [e3→2]
        pending [e2→3r1 e2.1→3.1r1] upstream e2 settled e2 local e3.1r1
    "#]],
    );
}

#[test]
fn what_was_rebased_is_confirmed_under_its_new_number() {
    check(
        "backend e1 | push e2' | advance x2 | advance e2→3 x4",
        expect![[r#"
        push: advance new [e2] confirmed []
        advance: rebase rollback [e2] new [x2 e2→3r1] confirmed []
        advance: advance new [x4] confirmed [e2→3]
        pending [] upstream e4 settled e4 local e4r1
    "#]],
    );
}

#[test]
fn another_event_at_the_number_of_a_pending_one_is_not_its_echo() {
    check(
        "backend e1 | push e2' | advance y2",
        expect![[r#"
        push: advance new [e2] confirmed []
        advance: rebase rollback [e2] new [y2 e2→3r1] confirmed []
        pending [e2→3r1] upstream e2 settled e2 local e3r1
    "#]],
    );
}

// Payloads that are late or wrong.

#[test]
fn a_push_behind_the_local_head_is_rejected() {
    check(
        "backend e1 | push e2' | push y2",
        expect![[r#"
        push: advance new [e2] confirmed []
        push: reject, at least e2.1
        pending [e2] upstream e1 settled e1 local e2
    "#]],
    );
}

#[test]
fn a_push_that_leaves_a_gap_is_rejected() {
    check(
        "backend e1 | push e3' | push e1.2",
        expect![[r#"
        push: reject, at least e1.1
        push: reject, at least e1.1
        pending [] upstream e1 settled e1 local e1
    "#]],
    );
}

#[test]
fn a_push_of_an_older_generation_is_rejected() {
    check(
        "backend e1 | push e2' | advance x2 | push e4' | push e4r1'",
        expect![[r#"
        push: advance new [e2] confirmed []
        advance: rebase rollback [e2] new [x2 e2→3r1] confirmed []
        push: reject, at least e3.1r1
        push: advance new [e4r1] confirmed []
        pending [e2→3r1 e4r1] upstream e2 settled e2 local e4r1
    "#]],
    );
    check(
        "backend e1 | push e2' | advance x2 e2→3 | push e4'",
        expect![[r#"
        push: advance new [e2] confirmed []
        advance: rebase rollback [e2] new [x2 e2→3] confirmed [e2→3]
        push: reject, at least e3.1r1
        pending [] upstream e3 settled e3 local e3r1
    "#]],
    );
}

#[test]
fn a_push_that_is_not_in_order_is_an_error() {
    check(
        "backend e1 | push e2' e2 | push e2 e4",
        expect![[r#"
        push: error: events are not in order: e2 follows e2
        push: error: events are not in order: e4 follows e2
        pending [] upstream e1 settled e1 local e1
    "#]],
    );
}

#[test]
fn a_page_that_does_not_follow_the_upstream_head_is_an_error() {
    check(
        "backend e3 | push e4' | advance x3 | advance x5 | advance x4 x4 | advance x4 x6",
        expect![[r#"
        push: advance new [e4] confirmed []
        advance: error: upstream sent e3, which is not after its head e3
        advance: error: upstream sent e5 after e3, and what stands between them is missing
        advance: error: upstream sent event eDQAAAAAAAAAAAAAAAAAAA twice
        advance: error: upstream sent e6 after e4, and what stands between them is missing
        pending [e4] upstream e3 settled e3 local e4
    "#]],
    );
}

#[test]
fn a_client_only_event_from_the_backend_is_an_error() {
    check(
        "backend e3 | advance x3.1",
        expect![[r#"
        advance: error: upstream sent e3.1 after e3, and what stands between them is missing
        pending [] upstream e3 settled e3 local e3
    "#]],
    );
}

#[test]
fn an_event_twice_in_one_page_is_an_error() {
    check(
        "backend e1 | advance x2 x2→3",
        expect![[r#"
        advance: error: upstream sent event eDIAAAAAAAAAAAAAAAAAAA twice
        pending [] upstream e1 settled e1 local e1
    "#]],
    );
}

// The boundary to the leader.

#[test]
fn client_only_events_wait_for_the_leader_like_all_others() {
    check(
        "leader e1 | push e1.1' e2' | advance e1.1 | advance e2",
        expect![[r#"
        push: advance new [e1.1 e2] confirmed []
        advance: advance new [] confirmed [e1.1]
        advance: advance new [] confirmed [e2]
        pending [] upstream e2 settled e2 local e2
    "#]],
    );
}

#[test]
fn client_only_events_of_other_sessions_make_a_session_rebase() {
    check(
        "leader e1 | push e1.1' e2' | advance x1.1",
        expect![[r#"
        push: advance new [e1.1 e2] confirmed []
        advance: rebase rollback [e1.1 e2] new [x1.1 e1.1→1.2r1 e2→2r1] confirmed []
        pending [e1.1→1.2r1 e2→2r1] upstream e1.1 settled e1.1 local e2r1
    "#]],
    );
}

#[test]
fn an_echo_with_more_behind_it_is_confirmed_in_place() {
    check(
        "leader e1 | push e1.1' e2' | advance e1.1 e2 x2.1",
        expect![[r#"
        push: advance new [e1.1 e2] confirmed []
        advance: advance new [x2.1] confirmed [e1.1 e2]
        pending [] upstream e2.1 settled e2.1 local e2.1
    "#]],
    );
    check(
        "leader e1 | push e1.1' e2' | advance e1.1 x2",
        expect![[r#"
        push: advance new [e1.1 e2] confirmed []
        advance: rebase rollback [e2] new [x2 e2→3r1] confirmed [e1.1]
        pending [e2→3r1] upstream e2 settled e2 local e3r1
    "#]],
    );
}

#[test]
fn a_session_takes_over_the_generation_of_its_leader() {
    check(
        "leader e1 | advance x2r3 | push e3' | push e3r3'",
        expect![[r#"
            advance: advance new [x2r3] confirmed []
            push: reject, at least e2.1r3
            push: advance new [e3r3] confirmed []
            pending [e3r3] upstream e2r3 settled e2r3 local e3r3
        "#]],
    );
}

#[test]
fn what_is_pending_in_an_older_generation_than_upstream_is_numbered_again() {
    check(
        "leader e1 | push e2' e3' | advance e2→2r2",
        expect![[r#"
        push: advance new [e2 e3] confirmed []
        advance: rebase rollback [e3] new [e3→3r2] confirmed [e2→2r2]
        pending [e3→3r2] upstream e2r2 settled e2r2 local e3r2
    "#]],
    );
}

#[test]
fn the_backends_number_of_an_event_has_no_generation_and_local_ones_keep_theirs() {
    check(
        "leader e1r2 | advance x2 | push e3r2'",
        expect![[r#"
        advance: advance new [x2] confirmed []
        push: advance new [e3r2] confirmed []
        pending [e3r2] upstream e2 settled e2 local e3r2
    "#]],
    );
}

#[test]
fn a_session_follows_its_leaders_rebase() {
    check(
        "leader e1 | advance x2 | push e3' | rebase x2 ; y2 x2→3r1",
        expect![[r#"
        advance: advance new [x2] confirmed []
        push: advance new [e3] confirmed []
        rebase: rebase rollback [x2 e3] new [y2 x2→3r1 e3→4r1] confirmed []
        pending [e3→4r1] upstream e3r1 settled e3r1 local e4r1
    "#]],
    );
}

#[test]
fn an_event_that_the_leader_has_rebased_is_confirmed() {
    check(
        "leader e1 | push e2' e2.1' e3' | rebase ; x2 e2→3r1",
        expect![[r#"
        push: advance new [e2 e2.1 e3] confirmed []
        rebase: rebase rollback [e2 e2.1 e3] new [x2 e2→3r1 e2.1→3.1r1 e3→4r1] confirmed [e2→3r1]
        pending [e2.1→3.1r1 e3→4r1] upstream e3r1 settled e3r1 local e4r1
    "#]],
    );
}

#[test]
fn a_leader_can_take_back_events_for_good() {
    check(
        "leader e1 | advance x1.1 x2 | push e3' | rebase x2 ; head e1.1r1",
        expect![[r#"
        advance: advance new [x1.1 x2] confirmed []
        push: advance new [e3] confirmed []
        rebase: rebase rollback [x2 e3] new [e3→2r1] confirmed []
        pending [e3→2r1] upstream e1.1r1 settled e1.1r1 local e2r1
    "#]],
    );
    check(
        "leader e1 | advance x1.1 x2 | push e3' | rebase x1.1 x2 ; head e1r1",
        expect![[r#"
        advance: advance new [x1.1 x2] confirmed []
        push: advance new [e3] confirmed []
        rebase: rebase rollback [x1.1 x2 e3] new [e3→2r1] confirmed []
        pending [e3→2r1] upstream e1r1 settled e1r1 local e2r1
    "#]],
    );
    check(
        "leader e1 | advance x1.1 x2 x3 | rebase x2 x3 ; x3→2r1",
        expect![[r#"
        advance: advance new [x1.1 x2 x3] confirmed []
        rebase: rebase rollback [x2 x3] new [x3→2r1] confirmed []
        pending [] upstream e2r1 settled e2r1 local e2r1
    "#]],
    );
    check(
        "leader e1 | advance x1.1 x2 x2.1 | rebase x2 x2.1 ; x2.1→1.2r1",
        expect![[r#"
        advance: advance new [x1.1 x2 x2.1] confirmed []
        rebase: rebase rollback [x2 x2.1] new [x2.1→1.2r1] confirmed []
        pending [] upstream e1.2r1 settled e1.2r1 local e1.2r1
    "#]],
    );
}

#[test]
fn a_leader_can_only_take_back_the_tail_of_what_it_announced() {
    check(
        "leader e1 | advance x2 x3 | rebase x2 ; y2 | rebase x3 x4 ; y3",
        expect![[r#"
        advance: advance new [x2 x3] confirmed []
        rebase: error: upstream took back events up to e2, but its head is e3
        rebase: error: upstream took back events up to e4, but its head is e3
        pending [] upstream e3 settled e3 local e3
    "#]],
    );
    check(
        "leader e1 | advance x2 x3 | rebase x3 ; y4 | rebase x3 ; head e1 | rebase ; x3",
        expect![[r#"
        advance: advance new [x2 x3] confirmed []
        rebase: error: upstream sent e4 after e2, and what stands between them is missing
        rebase: error: upstream sent e3 after e1, and what stands between them is missing
        rebase: error: upstream sent e3, which is not after its head e3
        pending [] upstream e3 settled e3 local e3
    "#]],
    );
}

// Removal.

#[test]
fn what_follows_a_removed_event_is_numbered_again() {
    check(
        "backend e1 | push e2' e3' e3.1' e4' | remove e3",
        expect![[r#"
        push: advance new [e2 e3 e3.1 e4] confirmed []
        remove: rebase rollback [e3 e3.1 e4] new [e3.1→2.1r1 e4→3r1] confirmed []
        pending [e2 e3.1→2.1r1 e4→3r1] upstream e1 settled e1 local e3r1
    "#]],
    );
}

#[test]
fn a_removal_at_the_end_moves_the_local_head_back_in_a_new_generation() {
    check(
        "backend e1 | push e2' e3' | remove e3 | push y3' | push y3r1'",
        expect![[r#"
        push: advance new [e2 e3] confirmed []
        remove: rebase rollback [e3] new [] confirmed []
        push: reject, at least e2.1r1
        push: advance new [y3r1] confirmed []
        pending [e2 y3r1] upstream e1 settled e1 local e3r1
    "#]],
    );
}

#[test]
fn a_removal_at_the_front_starts_at_the_settled_head() {
    check(
        "backend e1 | push e1.1 e2' e2.1' e3' | remove e2",
        expect![[r#"
        push: advance new [e1.1 e2 e2.1 e3] confirmed [e1.1]
        remove: rebase rollback [e2 e2.1 e3] new [e2.1→1.2r1 e3→2r1] confirmed [e2.1→1.2r1]
        pending [e3→2r1] upstream e1 settled e1.2r1 local e2r1
    "#]],
    );
    check(
        "leader e1 | push e1.1' e2' | remove e1.1",
        expect![[r#"
        push: advance new [e1.1 e2] confirmed []
        remove: rebase rollback [e1.1 e2] new [e2→2r1] confirmed []
        pending [e2→2r1] upstream e1 settled e1 local e2r1
    "#]],
    );
}

#[test]
fn a_removal_of_all_leaves_the_settled_head() {
    check(
        "backend e1 | push e1.1 e2' e3' | remove e2 e3 | push e2' | push y2r1'",
        expect![[r#"
        push: advance new [e1.1 e2 e3] confirmed [e1.1]
        remove: rebase rollback [e2 e3] new [] confirmed []
        push: reject, at least e1.2r1
        push: advance new [y2r1] confirmed []
        pending [y2r1] upstream e1 settled e1.1 local e2r1
    "#]],
    );
}

#[test]
fn a_removal_of_what_is_not_pending_does_nothing() {
    check(
        "backend e1 | push e2' | remove x9",
        expect![[r#"
        push: advance new [e2] confirmed []
        remove: nothing
        pending [e2] upstream e1 settled e1 local e2
    "#]],
    );
}

#[test]
fn an_event_removed_here_and_accepted_there_comes_back_as_upstreams() {
    check(
        "backend e1 | push e2' e3' | remove e2 | advance e2",
        expect![[r#"
        push: advance new [e2 e3] confirmed []
        remove: rebase rollback [e2 e3] new [e3→2r1] confirmed []
        advance: rebase rollback [e3→2r1] new [e2 e3→3r2] confirmed []
        pending [e3→3r2] upstream e2 settled e2 local e3r2
    "#]],
    );
}

// Bodies.

#[test]
fn pending_events_keep_their_places_under_a_new_client_id() {
    use crate::{ClientId, SeqNum, SyncState};

    let mut state = SyncState::new(super::Upstream::Backend, SeqNum::ROOT, SeqNum::ROOT);
    let event = crate::EventRecord::after(&SeqNum::ROOT, notation::body("e1"));
    state.merge(super::Payload::LocalPush { events: vec![event.clone()] }).expect("in order");
    let id = ClientId::new("B").expect("valid");
    state.map_pending(|event| std::sync::Arc::make_mut(&mut event.body).client_id = id.clone());
    let [changed] = state.pending().iter().collect::<Vec<_>>()[..] else { panic!("one is pending") };
    assert_eq!((changed.seq, changed.id(), &changed.body.client_id), (event.seq, event.id(), &id));
}
