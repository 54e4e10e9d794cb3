//! Another backend, a hostile one, and none.

use expect_test::expect;

use super::notation::{check, check_local, check_with};
use crate::leader::SyncOptions;

// Another backend.

#[test]
fn a_wiped_backend_is_reported_and_nothing_is_lost() {
    check(
        "pull | s1: a1 | push | s1: a2 | wipe | push | wait | pull | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
        s1: a2
            A → s2 advance [a2] settled e1
            A → s1 pushed, settled e1
            A → push of a after 1 [a2]
        wipe
        push
            A BackendChanged { reason: "it has the log AgICAgICAgICAgICAgICAg, this client knows the log AQEBAQEBAQEBAQEBAQEBAQ" }
        wait
            A → pull after 1, held
            A → push of a after 1 [a2]
        pull
        push
        A: log [a1] pending [a2] rejected [] upstream e1 local e2
    "#]],
    );
}

#[test]
fn a_backend_of_another_epoch_is_reported() {
    check(
        "pull | s1: a1 | push | epoch | pull idle | s1: a2 | wait | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
        epoch
        pull idle
            A BackendChanged { reason: "its log is of epoch 2, this client knows epoch 1: it was restored or reset" }
        s1: a2
            A → s2 advance [a2] settled e1
            A → s1 pushed, settled e1
        wait
            A → pull after 1
            A → push of a after 1 [a2]
        push
        A: log [a1] pending [a2] rejected [] upstream e1 local e2
    "#]],
    );
}

#[test]
fn a_rewritten_history_is_reported() {
    check(
        "pull | s1: a1 | push | others: x2 | pull | rewrite | s1: a3 | push | wait | pull",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
        others: x2
        pull
            A → s1 advance [x2] settled e2
            A → s2 advance [x2] settled e2
            A → pull after 2, held
        rewrite
        s1: a3
            A → s2 advance [a3] settled e2
            A → s1 pushed, settled e2
            A → push of a after 2 [a3]
        push
            A BackendChanged { reason: "its history up to position 2 is another one" }
        wait
            A → pull after 2, held
            A → push of a after 2 [a3]
        pull
        A: log [a1 x2] pending [a3] rejected [] upstream e2 local e3
    "#]],
    );
}

#[test]
fn another_history_is_found_on_first_contact_of_a_used_log() {
    check_local(
        "s1: a1 | plug | others: x1 x2 x3 x4 x5 | s1: a2 | push | pull",
        expect![[r#"
        s1: a1
            A → s2 advance [a1] settled e1
            A → s1 pushed, settled e1
        plug
            A → pull after 1
        others: x1 x2 x3 x4 x5
        s1: a2
            A → s2 advance [a2] settled e1
            A → s1 pushed, settled e1
            A → push of a after 1 [a2]
        push
            A Online
        pull
            A BackendChanged { reason: "its history differs after position 0; its head is 5" }
        A: log [a1] pending [a2] rejected [] upstream e1 local e2
    "#]],
    );
}

// Without a backend, and without one for a while.

#[test]
fn without_a_backend_everything_is_settled_at_once() {
    check_local(
        "s1: a1 a1.1 a2 | s2: a2.1 | crash | s1: a3",
        expect![[r#"
        s1: a1 a1.1 a2
            A → s2 advance [a1 a1.1 a2] settled e2
            A → s1 pushed, settled e2
        s2: a2.1
            A → s1 advance [a2.1] settled e2.1
            A → s2 pushed, settled e2.1
        crash
        s1: a3
            A → s2 advance [a3] settled e3
            A → s1 pushed, settled e3
        A: log [a1 a1.1 a2 a2.1 a3] pending [] rejected [] upstream e3 local e3
    "#]],
    );
}

#[test]
fn a_log_of_a_backend_keeps_its_events_pending_while_it_is_unplugged() {
    check(
        "pull | s1: a1 | push | s1: a2 | unplug | s1: a3",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
        s1: a2
            A → s2 advance [a2] settled e1
            A → s1 pushed, settled e1
            A → push of a after 1 [a2]
        unplug
        s1: a3
            A → s2 advance [a3] settled e1
            A → s1 pushed, settled e1
        A: log [a1] pending [a2 a3] rejected [] upstream e1 local e3
    "#]],
    );
}

#[test]
fn offline_means_silence_and_online_goes_on_at_once() {
    check(
        "pull | s1: a1 | offline | s1: a2 | online | pull | push | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        offline
            A → cancel
            A Paused
        s1: a2
            A → s2 advance [a2] settled e0
            A → s1 pushed, settled e0
        online
            A → pull after 0
            A → push of a after 0 [a1]
            A Connecting
        pull
            A → pull after 0, held
            A Online
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
            A → push of a after 1 [a2]
        push
            A → s1 advance [] settled e2, a2 confirmed at e2
            A → s2 advance [] settled e2, a2 confirmed at e2
        A: log [a1 a2] pending [] rejected [] upstream e2 local e2, synced
    "#]],
    );
}

#[test]
fn an_answer_from_before_the_line_was_cut_is_void() {
    check(
        "pull | s1: a1 | push late | offline | late | online | pull | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push late
        offline
            A → cancel
            A Paused
        late
        online
            A → pull after 0
            A → push of a after 0 [a1]
            A Connecting
        pull
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
            A → pull after 1, held
            A Online
        push
        A: log [a1] pending [] rejected [] upstream e1 local e1, synced
    "#]],
    );
}

#[test]
fn a_backend_without_long_polling_is_asked_again_later() {
    check_with(
        SyncOptions { live_pull: false, ..SyncOptions::default() },
        "pull | wait | others: x1 | pull",
        expect![[r#"
            pull
                A → pull after 0
                A Online
            wait
                A → pull after 0
            others: x1
            pull
                A → s1 advance [x1] settled e1
                A → s2 advance [x1] settled e1
            A: log [x1] pending [] rejected [] upstream e1 local e1, synced
        "#]],
    );
}

#[test]
fn what_is_wrong_with_pushes_is_not_hidden_by_pulls() {
    check(
        "pull | s1: a1 | no push | pull idle | wait | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        no push
            A Offline { reason: "offline: broken" }
        pull idle
            A → pull after 0, held
        wait
            A → push of a after 0 [a1]
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
            A Online
        A: log [a1] pending [] rejected [] upstream e1 local e1, synced
    "#]],
    );
}

// A hostile backend.

#[test]
fn a_gap_is_reported() {
    check(
        "pull | others: x1 x2 x3 | pulled page 3 x2 x3",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        others: x1 x2 x3
        pulled page 3 x2 x3
            A BackendChanged { reason: "it sent position 2 after 1 where 1 was due" }
        A: log [] pending [] rejected [] upstream e0 local e0
    "#]],
    );
}

#[test]
fn a_head_that_goes_back_is_reported() {
    check(
        "others: x1 | pull | pulled page 0",
        expect![[r#"
        others: x1
            A → pull after 0
        pull
            A → s1 advance [x1] settled e1
            A → s2 advance [x1] settled e1
            A → pull after 1, held
            A Online
        pulled page 0
            A BackendChanged { reason: "its head is 0, this client has seen 1: it lost data" }
        A: log [x1] pending [] rejected [] upstream e1 local e1
    "#]],
    );
}

#[test]
fn events_beyond_the_head_are_reported() {
    check(
        "pulled page 1 x1 x2",
        expect![[r#"
        pulled page 1 x1 x2
            A → pull after 0
            A BackendChanged { reason: "it sent position 2, and says that its head is 1" }
        A: log [] pending [] rejected [] upstream e0 local e0
    "#]],
    );
}

#[test]
fn a_head_with_another_chain_is_reported() {
    check(
        "others: x1 | pulled page 1 y1",
        expect![[r#"
        others: x1
            A → pull after 0
        pulled page 1 y1
            A BackendChanged { reason: "its history up to position 1 is another one" }
        A: log [] pending [] rejected [] upstream e0 local e0
    "#]],
    );
}

#[test]
fn an_event_twice_is_reported() {
    check(
        "pulled page 2 x1 x1→2",
        expect![[r#"
        pulled page 2 x1 x1→2
            A → pull after 0
            A BackendChanged { reason: "upstream sent event eDEAAAAAAAAAAAAAAAAAAA twice" }
        A: log [] pending [] rejected [] upstream e0 local e0
    "#]],
    );
}

#[test]
fn a_backend_that_answers_held_pulls_at_once_is_slowed_down() {
    check(
        "pull | pull idle | pull idle | pull idle | pull idle | pull idle",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        pull idle
            A → pull after 0, held
        pull idle
            A → pull after 0, held
        pull idle
            A → pull after 0, held
        pull idle
            A → pull after 0, held
        pull idle
            A Fault { reason: "the backend gave 5 answers in a row that change nothing" }
        A: log [] pending [] rejected [] upstream e0 local e0
    "#]],
    );
}

#[test]
fn a_backend_that_is_ahead_and_says_nothing_is_slowed_down() {
    check(
        "pulled page 3 | pulled page 3 | pulled page 3 | pulled page 3 | pulled page 3",
        expect![[r#"
        pulled page 3
            A → pull after 0
            A → pull after 0, held
            A Online
        pulled page 3
            A → pull after 0, held
        pulled page 3
            A → pull after 0, held
        pulled page 3
            A → pull after 0, held
        pulled page 3
            A Fault { reason: "the backend gave 5 answers in a row that change nothing" }
        A: log [] pending [] rejected [] upstream e0 local e0
    "#]],
    );
}

#[test]
fn behind_without_end_is_slowed_down() {
    check(
        "pull | s1: a1 | pushed page 0 | pushed page 0 | pushed page 0 | pushed page 0 | pushed page 0",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        pushed page 0
            A → push of a after 0 [a1]
        pushed page 0
            A → push of a after 0 [a1]
        pushed page 0
            A → push of a after 0 [a1]
        pushed page 0
            A → push of a after 0 [a1]
        pushed page 0
            A Fault { reason: "the backend gave 5 answers in a row that change nothing" }
        A: log [] pending [a1] rejected [] upstream e0 local e1
    "#]],
    );
}
