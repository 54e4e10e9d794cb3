//! Sessions that push at once, and a full disk.

use expect_test::expect;

use super::notation::check;

// Sessions.

#[test]
fn a_push_that_another_session_has_overtaken_is_stale() {
    check(
        "pull | s1: a1 | s2: a2→1 | s2: a2→2",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        s2: a2→1
            A → s2 not pushed: the log moved meanwhile
        s2: a2→2
            A → s1 advance [a2] settled e0
            A → s2 pushed, settled e0
        A: log [] pending [a1 a2] rejected [] upstream e0 local e2
    "#]],
    );
}

#[test]
fn a_push_made_before_a_rebase_is_stale_even_at_the_right_number() {
    check(
        "pull | s1: a1 | others: x1 | pull | s1: a3→3 | s1: a3→3r1",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        others: x1
        pull
            A → s1 rebase [a1] to [x1 a1→2r1] settled e1
            A → s2 rebase [a1] to [x1 a1→2r1] settled e1
            A → pull after 1, held
        s1: a3→3
            A → s1 not pushed: the log moved meanwhile
        s1: a3→3r1
            A → s2 advance [a3→3r1] settled e1
            A → s1 pushed, settled e1
        A: log [x1] pending [a1→2r1 a3→3r1] rejected [] upstream e1 local e3r1
    "#]],
    );
}

#[test]
fn a_push_that_comes_twice_is_taken_once() {
    check(
        "pull | s1: a1 a2 | s1: a1→1 a2→2",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1 a2
            A → s2 advance [a1 a2] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1 a2]
        s1: a1→1 a2→2
            A → s1 pushed, settled e0
        A: log [] pending [a1 a2] rejected [] upstream e0 local e2
    "#]],
    );
}

#[test]
fn pulls_wait_for_a_session_that_can_not_keep_up() {
    check(
        "pull | s1 floods | others: x1 | pull | others: x2 | s2 drains | pull",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1 floods
            A → s2 advance [a0.1 … a0.20001] settled e0.20001
            A → s1 pushed, settled e0.20001
        others: x1
        pull
            A → s1 advance [x1] settled e1
            A → s2 advance [x1] settled e1
        others: x2
        s2 drains
            A → pull after 1, held
        pull
            A → s1 advance [x2] settled e2
            A → s2 advance [x2] settled e2
            A → pull after 2, held
        A: log [a0.1 … x2] pending [] rejected [] upstream e2 local e2, synced
    "#]],
    );
    check(
        "pull | s1 floods | others: x1 | pull | s2 ends",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1 floods
            A → s2 advance [a0.1 … a0.20001] settled e0.20001
            A → s1 pushed, settled e0.20001
        others: x1
        pull
            A → s1 advance [x1] settled e1
            A → s2 advance [x1] settled e1
        s2 ends
            A → pull after 1, held
        A: log [a0.1 … x1] pending [] rejected [] upstream e1 local e1, synced
    "#]],
    );
}

// A full disk.

#[test]
fn a_push_that_is_not_written_is_refused() {
    check(
        "pull | disk full | s1: a1 | disk free | s1: a1 | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        disk full
        s1: a1
            A → s1 not pushed: the disk is full
        disk free
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
        A: log [a1] pending [] rejected [] upstream e1 local e1, synced
    "#]],
    );
}

#[test]
fn a_page_that_is_not_written_is_asked_for_again() {
    check(
        "others: x1 | disk full | pull | disk free | wait | pull",
        expect![[r#"
        others: x1
            A → pull after 0
        disk full
        pull
            A Fault { reason: "the disk is full" }
        disk free
        wait
            A → pull after 0
        pull
            A → s1 advance [x1] settled e1
            A → s2 advance [x1] settled e1
            A → pull after 1, held
            A Online
        A: log [x1] pending [] rejected [] upstream e1 local e1, synced
    "#]],
    );
}

#[test]
fn an_answer_that_is_not_written_is_an_unknown_outcome() {
    check(
        "pull | s1: a1 | disk full | push | disk free | wait | push | pull",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        disk full
        push
            A Fault { reason: "the disk is full" }
        disk free
        wait
            A → pull after 0, held
            A → push of a after 0 [a1]
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
            A Online
        pull
            A → pull after 1, held
        A: log [a1] pending [] rejected [] upstream e1 local e1, synced
    "#]],
    );
}

#[test]
fn a_batch_is_not_sent_before_it_is_noted() {
    check(
        "pull | offline | s1: a1 | disk full | online | disk free | wait | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        offline
            A → cancel
            A Paused
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
        disk full
        online
            A → pull after 0
            A Fault { reason: "the disk is full" }
        disk free
        wait
            A → pull after 0
            A → push of a after 0 [a1]
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
            A Online
        A: log [a1] pending [] rejected [] upstream e1 local e1, synced
    "#]],
    );
}
