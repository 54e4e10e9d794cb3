//! What a backend refuses, and client ids that are somebody else's.

use expect_test::expect;

use super::notation::{check, check_with};
use crate::leader::SyncOptions;

// Refusals.

#[test]
fn a_refused_event_leaves_with_its_group_and_what_depends_on_it() {
    check(
        "pull | refuse a2 | s1: a1 a2=k+ a3 a4<k a4.1 a5 | push | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        refuse a2
        s1: a1 a2=k+ a3 a4<k a4.1 a5
            A → s2 advance [a1 a2 a3 a4 a4.1 a5] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1 a2 a3 a4 a5]
        push
            A → s1 rebase [a2 a3 a4 a4.1 a5] to [a4.1→1.1r1 a5→2r1] settled e0, a2 rejected for a2, a3 rejected for a2, a4 rejected for a2
            A → s2 rebase [a2 a3 a4 a4.1 a5] to [a4.1→1.1r1 a5→2r1] settled e0, a2 rejected for a2, a3 rejected for a2, a4 rejected for a2
            A → push of a after 0 [a1 a5→2]
        push
            A → s1 advance [] settled e2, a1 confirmed at e1, a5 confirmed at e2
            A → s2 advance [] settled e2, a1 confirmed at e1, a5 confirmed at e2
        A: log [a1 a4.1→1.1r1 a5→2] pending [] rejected [a2 a3 a4] upstream e2 local e2r1, synced
    "#]],
    );
}

#[test]
fn a_client_only_event_inside_a_group_leaves_with_it() {
    check(
        "pull | refuse a2 | s1: a1+ a1.1 a2 a3 | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        refuse a2
        s1: a1+ a1.1 a2 a3
            A → s2 advance [a1 a1.1 a2 a3] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1 a2 a3]
        push
            A → s1 rebase [a1 a1.1 a2 a3] to [a3→1r1] settled e0, a1 rejected for a2, a1.1 rejected for a2, a2 rejected for a2
            A → s2 rebase [a1 a1.1 a2 a3] to [a3→1r1] settled e0, a1 rejected for a2, a1.1 rejected for a2, a2 rejected for a2
            A → push of a after 0 [a3→1]
        A: log [] pending [a3→1r1] rejected [a1 a1.1 a2] upstream e0 local e1r1
    "#]],
    );
}

#[test]
fn client_only_events_behind_a_refused_one_are_settled() {
    check(
        "pull | refuse a1 | s1: a1 a1.1 | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        refuse a1
        s1: a1 a1.1
            A → s2 advance [a1 a1.1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push
            A → s1 rebase [a1 a1.1] to [a1.1→0.1r1] settled e0.1r1, a1 rejected for a1
            A → s2 rebase [a1 a1.1] to [a1.1→0.1r1] settled e0.1r1, a1 rejected for a1
        A: log [a1.1→0.1r1] pending [] rejected [a1] upstream e0 local e0.1r1, synced
    "#]],
    );
}

#[test]
fn a_push_made_before_a_refusal_is_stale() {
    check(
        "pull | refuse a1 | s1: a1 a2 | push | s2: a3→3",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        refuse a1
        s1: a1 a2
            A → s2 advance [a1 a2] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1 a2]
        push
            A → s1 rebase [a1 a2] to [a2→1r1] settled e0, a1 rejected for a1
            A → s2 rebase [a1 a2] to [a2→1r1] settled e0, a1 rejected for a1
            A → push of a after 0 [a2→1]
        s2: a3→3
            A → s2 not pushed: the log moved meanwhile
        A: log [] pending [a2→1r1] rejected [a1] upstream e0 local e1r1
    "#]],
    );
}

#[test]
fn a_taken_client_id_is_replaced_and_what_is_pending_is_pushed_again() {
    check_with(
        SyncOptions { client_id_chars: 1, ..SyncOptions::default() },
        "claim a | pull | s1: a1 a1.1 a2 | push | push",
        expect![[r#"
            claim a
                A → pull after 0
            pull
                A → pull after 0, held
                A Online
            s1: a1 a1.1 a2
                A → s2 advance [a1 a1.1 a2] settled e0
                A → s1 pushed, settled e0
                A → push of a after 0 [a1 a2]
            push
                A → s1 is of L
                A → s2 is of L
                A → s1 rebase [a1 a1.1 a2] to [a1→1r1 a1.1→1.1r1 a2→2r1] settled e0
                A → s2 rebase [a1 a1.1 a2] to [a1→1r1 a1.1→1.1r1 a2→2r1] settled e0
                A → push of L after 0 [a1 a2]
            push
                A → s1 advance [] settled e2, a1 confirmed at e1, a2 confirmed at e2
                A → s2 advance [] settled e2, a1 confirmed at e1, a2 confirmed at e2
            A: log [a1 a1.1→1.1r1 a2] pending [] rejected [] upstream e2 local e2r1, synced
        "#]],
    );
}

#[test]
fn a_push_on_its_way_while_the_client_id_changes_gets_the_new_one() {
    check_with(
        SyncOptions { client_id_chars: 1, ..SyncOptions::default() },
        "claim a | pull | s1: a1 | push | s1: a2 | push | push",
        expect![[r#"
            claim a
                A → pull after 0
            pull
                A → pull after 0, held
                A Online
            s1: a1
                A → s2 advance [a1] settled e0
                A → s1 pushed, settled e0
                A → push of a after 0 [a1]
            push
                A → s1 is of L
                A → s2 is of L
                A → s1 rebase [a1] to [a1→1r1] settled e0
                A → s2 rebase [a1] to [a1→1r1] settled e0
                A → push of L after 0 [a1]
            s1: a2
                A → s2 advance [a2→2r1] settled e0
                A → s1 pushed, settled e0
            push
                A → s1 advance [] settled e1, a1 confirmed at e1
                A → s2 advance [] settled e1, a1 confirmed at e1
                A → push of L after 1 [a2]
            push
                A → s1 advance [] settled e2, a2 confirmed at e2
                A → s2 advance [] settled e2, a2 confirmed at e2
            A: log [a1 a2] pending [] rejected [] upstream e2 local e2r1, synced
        "#]],
    );
}

#[test]
fn an_event_of_my_id_that_i_never_made_means_that_the_id_is_shared() {
    check_with(
        SyncOptions { client_id_chars: 1, ..SyncOptions::default() },
        "others: a1 | pull | s1: a2 | push",
        expect![[r#"
            others: a1
                A → pull after 0
            pull
                A → s1 advance [a1] settled e1
                A → s2 advance [a1] settled e1
                A → pull after 1, held
                A → s1 is of e
                A → s2 is of e
                A Online
            s1: a2
                A → s2 advance [a2] settled e1
                A → s1 pushed, settled e1
                A → push of e after 1 [a2]
            push
                A → s1 advance [] settled e2, a2 confirmed at e2
                A → s2 advance [] settled e2, a2 confirmed at e2
            A: log [a1 a2] pending [] rejected [] upstream e2 local e2, synced
        "#]],
    );
}

#[test]
fn what_a_copy_sent_under_another_id_is_taken_as_it_is_there() {
    check(
        "pull | s1: a1 a2 | no push | others: a1@c | pull | wait | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1 a2
            A → s2 advance [a1 a2] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1 a2]
        no push
            A Offline { reason: "offline: broken" }
        others: a1@c
        pull
            A → s1 rebase [a1 a2] to [a1 a2→2r1] settled e1, a1 confirmed at e1
            A → s2 rebase [a1 a2] to [a1 a2→2r1] settled e1, a1 confirmed at e1
            A → pull after 1, held
        wait
            A → push of a after 1 [a2]
        push
            A → s1 advance [] settled e2, a2 confirmed at e2
            A → s2 advance [] settled e2, a2 confirmed at e2
            A Online
        A: log [a1 a2] pending [] rejected [] upstream e2 local e2r1, synced
    "#]],
    );
}

#[test]
fn the_id_stays_while_the_outcome_of_a_batch_is_unknown() {
    check_with(
        SyncOptions { client_id_chars: 1, ..SyncOptions::default() },
        "pull | s1: a1 | others: a4 | pull | no push | wait | push | push",
        expect![[r#"
            pull
                A → pull after 0
                A → pull after 0, held
                A Online
            s1: a1
                A → s2 advance [a1] settled e0
                A → s1 pushed, settled e0
                A → push of a after 0 [a1]
            others: a4
            pull
                A → s1 rebase [a1] to [a4→1 a1→2r1] settled e1
                A → s2 rebase [a1] to [a4→1 a1→2r1] settled e1
                A → pull after 1, held
            no push
                A Offline { reason: "offline: broken" }
            wait
                A → push of a after 0 [a1]
            push
                A → s1 is of o
                A → s2 is of o
                A → s1 rebase [a1→2r1] to [a1→2r2] settled e1
                A → s2 rebase [a1→2r1] to [a1→2r2] settled e1
                A → push of o after 1 [a1→2]
                A Online
            push
                A → s1 advance [] settled e2, a1 confirmed at e2
                A → s2 advance [] settled e2, a1 confirmed at e2
            A: log [a4→1 a1→2] pending [] rejected [] upstream e2 local e2r2, synced
        "#]],
    );
}
