//! What goes right: events are logged, sent, confirmed and caught up with.

use expect_test::expect;

use super::notation::{check, check_with};
use crate::leader::SyncOptions;

// The way that everything should go.

#[test]
fn what_a_session_pushes_is_logged_sent_and_confirmed() {
    check(
        "pull | s1: a1 a2 | push | pull",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1 a2
            A → s2 advance [a1 a2] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1 a2]
        push
            A → s1 advance [] settled e2, a1 confirmed at e1, a2 confirmed at e2
            A → s2 advance [] settled e2, a1 confirmed at e1, a2 confirmed at e2
        pull
            A → pull after 2, held
        A: log [a1 a2] pending [] rejected [] upstream e2 local e2, synced
    "#]],
    );
}

#[test]
fn client_only_events_are_logged_and_never_sent() {
    check(
        "pull | s1: a0.1 | s1: a1 a1.1 a2 | s2: a2.1 | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a0.1
            A → s2 advance [a0.1] settled e0.1
            A → s1 pushed, settled e0.1
        s1: a1 a1.1 a2
            A → s2 advance [a1 a1.1 a2] settled e0.1
            A → s1 pushed, settled e0.1
            A → push of a after 0 [a1 a2]
        s2: a2.1
            A → s1 advance [a2.1] settled e0.1
            A → s2 pushed, settled e0.1
        push
            A → s1 advance [] settled e2.1, a1 confirmed at e1, a2 confirmed at e2
            A → s2 advance [] settled e2.1, a1 confirmed at e1, a2 confirmed at e2
        A: log [a0.1 a1 a1.1 a2 a2.1] pending [] rejected [] upstream e2 local e2.1, synced
    "#]],
    );
}

#[test]
fn two_clients_that_push_at_once_both_get_through() {
    check(
        "A pull | B pull | A s1: a1 | B s1: b1 b2 | A push | B push | B push | A pull | B pull",
        expect![[r#"
        A pull
            A → pull after 0
            A → pull after 0, held
            A Online
        B pull
            B → pull after 0
            B → pull after 0, held
            B Online
        A s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        B s1: b1 b2
            B → s2 advance [b1 b2] settled e0
            B → s1 pushed, settled e0
            B → push of b after 0 [b1 b2]
        A push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
        B push
            B → s1 rebase [b1 b2] to [a1 b1→2r1 b2→3r1] settled e1
            B → s2 rebase [b1 b2] to [a1 b1→2r1 b2→3r1] settled e1
            B → push of b after 1 [b1→2 b2→3]
        B push
            B → s1 advance [] settled e3, b1 confirmed at e2, b2 confirmed at e3
            B → s2 advance [] settled e3, b1 confirmed at e2, b2 confirmed at e3
        A pull
            A → s1 advance [b1→2 b2→3] settled e3
            A → s2 advance [b1→2 b2→3] settled e3
            A → pull after 3, held
        B pull
            B → pull after 3, held
        A: log [a1 b1→2 b2→3] pending [] rejected [] upstream e3 local e3, synced
        B: log [a1 b1→2 b2→3] pending [] rejected [] upstream e3 local e3r1, synced
    "#]],
    );
}

#[test]
fn a_batch_keeps_to_its_bounds_and_to_groups() {
    check_with(
        SyncOptions { push_events: 2, ..SyncOptions::default() },
        "pull | s1: a1 a2+ a3 a4 | push | push | push",
        expect![[r#"
            pull
                A → pull after 0
                A → pull after 0, held
                A Online
            s1: a1 a2+ a3 a4
                A → s2 advance [a1 a2 a3 a4] settled e0
                A → s1 pushed, settled e0
                A → push of a after 0 [a1]
            push
                A → s1 advance [] settled e1, a1 confirmed at e1
                A → s2 advance [] settled e1, a1 confirmed at e1
                A → push of a after 1 [a2 a3]
            push
                A → s1 advance [] settled e3, a2 confirmed at e2, a3 confirmed at e3
                A → s2 advance [] settled e3, a2 confirmed at e2, a3 confirmed at e3
                A → push of a after 3 [a4]
            push
                A → s1 advance [] settled e4, a4 confirmed at e4
                A → s2 advance [] settled e4, a4 confirmed at e4
            A: log [a1 a2 a3 a4] pending [] rejected [] upstream e4 local e4, synced
        "#]],
    );
}

// Catching up.

#[test]
fn pages_are_merged_in_one_go_while_something_is_pending() {
    check(
        "pull | s1: a1 | no push | others: x1 x2 x3 x4 x5 | pull 2 | pull 2 | pull 2 | wait | push",
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
        others: x1 x2 x3 x4 x5
        pull 2
            A → pull after 2
        pull 2
            A → pull after 4
        pull 2
            A → s1 rebase [a1] to [x1 x2 x3 x4 x5 a1→6r1] settled e5
            A → s2 rebase [a1] to [x1 x2 x3 x4 x5 a1→6r1] settled e5
            A → pull after 5, held
        wait
            A → push of a after 0 [a1]
        push
            A → push of a after 5 [a1→6]
            A Online
        A: log [x1 x2 x3 x4 x5] pending [a1→6r1] rejected [] upstream e5 local e6r1
    "#]],
    );
}

#[test]
fn pages_are_merged_one_by_one_while_nothing_is_pending() {
    check(
        "others: x1 x2 x3 | pull 2 | pull 2",
        expect![[r#"
        others: x1 x2 x3
            A → pull after 0
        pull 2
            A → s1 advance [x1 x2] settled e2
            A → s2 advance [x1 x2] settled e2
            A → pull after 2
            A Online
        pull 2
            A → s1 advance [x3] settled e3
            A → s2 advance [x3] settled e3
            A → pull after 3, held
        A: log [x1 x2 x3] pending [] rejected [] upstream e3 local e3, synced
    "#]],
    );
}

#[test]
fn the_first_page_of_a_backend_is_merged_at_once() {
    check(
        "s1: a1 | no push | others: x1 x2 x3 | pull 2 | pull 2 | wait | push",
        expect![[r#"
        s1: a1
            A → pull after 0
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        no push
            A Offline { reason: "offline: broken" }
        others: x1 x2 x3
        pull 2
            A → s1 rebase [a1] to [x1 x2 a1→3r1] settled e2
            A → s2 rebase [a1] to [x1 x2 a1→3r1] settled e2
            A → pull after 2
        pull 2
            A → s1 rebase [a1→3r1] to [x3 a1→4r2] settled e3
            A → s2 rebase [a1→3r1] to [x3 a1→4r2] settled e3
            A → pull after 3, held
        wait
            A → push of a after 0 [a1]
        push
            A → push of a after 3 [a1→4]
            A Online
        A: log [x1 x2 x3] pending [a1→4r2] rejected [] upstream e3 local e4r2
    "#]],
    );
}

#[test]
fn what_came_before_a_pull_broke_off_is_merged() {
    check(
        "pull | s1: a1 | no push | others: x1 x2 x3 x4 | pull 2 | no pull",
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
        others: x1 x2 x3 x4
        pull 2
            A → pull after 2
        no pull
            A → s1 rebase [a1] to [x1 x2 a1→3r1] settled e2
            A → s2 rebase [a1] to [x1 x2 a1→3r1] settled e2
        A: log [x1 x2] pending [a1→3r1] rejected [] upstream e2 local e3r1
    "#]],
    );
}
