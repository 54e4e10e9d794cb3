//! Answers that are lost, late or overtaken, and `behind`.

use expect_test::expect;

use super::notation::check;

// Answers that are lost, late or overtaken.

#[test]
fn a_batch_of_unknown_outcome_is_sent_again_as_it_was() {
    check(
        "pull | s1: a1 | push lost | s1: a2 | wait | wait | push | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push lost
        s1: a2
            A → s2 advance [a2] settled e0
            A → s1 pushed, settled e0
        wait
            A Offline { reason: "offline: no answer in time" }
        wait
            A → push of a after 0 [a1]
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
            A → push of a after 1 [a2]
            A Online
        push
            A → s1 advance [] settled e2, a2 confirmed at e2
            A → s2 advance [] settled e2, a2 confirmed at e2
        A: log [a1 a2] pending [] rejected [] upstream e2 local e2, synced
    "#]],
    );
}

#[test]
fn a_batch_in_flight_survives_a_crash() {
    check(
        "pull | s1: a1 a2 | push lost | s1: a3 | crash | push | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1 a2
            A → s2 advance [a1 a2] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1 a2]
        push lost
        s1: a3
            A → s2 advance [a3] settled e0
            A → s1 pushed, settled e0
        crash
            A → pull after 0
            A → push of a after 0 [a1 a2]
        push
            A → s1 advance [] settled e2, a1 confirmed at e1, a2 confirmed at e2
            A → s2 advance [] settled e2, a1 confirmed at e1, a2 confirmed at e2
            A → push of a after 2 [a3]
            A Online
        push
            A → s1 advance [] settled e3, a3 confirmed at e3
            A → s2 advance [] settled e3, a3 confirmed at e3
        A: log [a1 a2 a3] pending [] rejected [] upstream e3 local e3
    "#]],
    );
}

#[test]
fn a_batch_that_never_arrived_survives_a_crash() {
    check(
        "pull | s1: a1 | crash | pull | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        crash
            A → pull after 0
            A → push of a after 0 [a1]
        pull
            A → pull after 0, held
            A Online
        push
            A → s1 advance [] settled e1, a1 confirmed at e1
            A → s2 advance [] settled e1, a1 confirmed at e1
        A: log [a1] pending [] rejected [] upstream e1 local e1, synced
    "#]],
    );
}

#[test]
fn a_resend_behind_which_others_have_pushed_is_found_by_a_pull() {
    check(
        "pull | s1: a1 | push lost | others: x2 | no pull | wait | wait | wait | push | pull",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push lost
        others: x2
        no pull
            A Offline { reason: "offline: broken" }
        wait
            A → pull after 0
        wait
            A Offline { reason: "offline: no answer in time" }
        wait
            A → push of a after 0 [a1]
        push
            A Offline { reason: "offline: broken" }
        pull
            A → s1 advance [x2] settled e2, a1 confirmed at e1
            A → s2 advance [x2] settled e2, a1 confirmed at e1
            A → pull after 2, held
            A Online
        A: log [a1 x2] pending [] rejected [] upstream e2 local e2, synced
    "#]],
    );
}

#[test]
fn a_pull_that_overtakes_the_answer_confirms_the_batch() {
    check(
        "pull | s1: a1 | push late | others: x2 | pull | s1: a3 | late | push",
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
        others: x2
        pull
            A → s1 advance [x2] settled e2, a1 confirmed at e1
            A → s2 advance [x2] settled e2, a1 confirmed at e1
            A → pull after 2, held
        s1: a3
            A → s2 advance [a3] settled e2
            A → s1 pushed, settled e2
        late
            A → push of a after 2 [a3]
        push
            A → s1 advance [] settled e3, a3 confirmed at e3
            A → s2 advance [] settled e3, a3 confirmed at e3
        A: log [a1 x2 a3] pending [] rejected [] upstream e3 local e3, synced
    "#]],
    );
}

#[test]
fn a_page_that_a_push_has_overtaken_is_passed_over() {
    check(
        "pull | s1: a1 | others: x1 | pull late | push | late | push",
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
        pull late
        push
            A → s1 rebase [a1] to [x1 a1→2r1] settled e1
            A → s2 rebase [a1] to [x1 a1→2r1] settled e1
            A → push of a after 1 [a1→2]
        late
            A → pull after 1, held
        push
            A → s1 advance [] settled e2, a1 confirmed at e2
            A → s2 advance [] settled e2, a1 confirmed at e2
        A: log [x1 a1→2] pending [] rejected [] upstream e2 local e2r1, synced
    "#]],
    );
}

#[test]
fn an_answer_that_is_older_than_a_page_is_no_lost_data() {
    check(
        "pull | others: x1 | s1: a1 | push late | others: x2 | pull | late | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        others: x1
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push late
        others: x2
        pull
            A → s1 rebase [a1] to [x1 x2 a1→3r1] settled e2
            A → s2 rebase [a1] to [x1 x2 a1→3r1] settled e2
            A → pull after 2, held
        late
            A → push of a after 2 [a1→3]
        push
            A → s1 advance [] settled e3, a1 confirmed at e3
            A → s2 advance [] settled e3, a1 confirmed at e3
        A: log [x1 x2 a1→3] pending [] rejected [] upstream e3 local e3r1, synced
    "#]],
    );
}

#[test]
fn a_page_that_is_older_than_an_answer_is_no_lost_data() {
    check(
        "pull | others: x1 | s1: a1 | pull late | others: x2 | push | late | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        others: x1
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        pull late
        others: x2
        push
            A → s1 rebase [a1] to [x1 x2 a1→3r1] settled e2
            A → s2 rebase [a1] to [x1 x2 a1→3r1] settled e2
            A → push of a after 2 [a1→3]
        late
            A → pull after 2, held
        push
            A → s1 advance [] settled e3, a1 confirmed at e3
            A → s2 advance [] settled e3, a1 confirmed at e3
        A: log [x1 x2 a1→3] pending [] rejected [] upstream e3 local e3r1, synced
    "#]],
    );
}

#[test]
fn the_rest_of_a_batch_is_confirmed_by_later_pages() {
    check(
        "pull | s1: a1 a2 | push lost | pull 1 | pull 1 | wait",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1 a2
            A → s2 advance [a1 a2] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1 a2]
        push lost
        pull 1
            A → pull after 1
        pull 1
            A → s1 advance [] settled e2, a1 confirmed at e1, a2 confirmed at e2
            A → s2 advance [] settled e2, a1 confirmed at e1, a2 confirmed at e2
            A → pull after 2, held
        wait
        A: log [a1 a2] pending [] rejected [] upstream e2 local e2, synced
    "#]],
    );
}

// Behind.

#[test]
fn behind_brings_what_is_missing() {
    check(
        "pull | others: x1 x2 | s1: a1 | push | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        others: x1 x2
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push
            A → s1 rebase [a1] to [x1 x2 a1→3r1] settled e2
            A → s2 rebase [a1] to [x1 x2 a1→3r1] settled e2
            A → push of a after 2 [a1→3]
        push
            A → s1 advance [] settled e3, a1 confirmed at e3
            A → s2 advance [] settled e3, a1 confirmed at e3
        A: log [x1 x2 a1→3] pending [] rejected [] upstream e3 local e3r1, synced
    "#]],
    );
}

#[test]
fn behind_goes_on_tail_by_tail_when_pulls_break_off() {
    check(
        "pull | others: x1 x2 x3 x4 x5 | no pull | s1: a1 | push | wait | wait | push | push",
        expect![[r#"
            pull
                A → pull after 0
                A → pull after 0, held
                A Online
            others: x1 x2 x3 x4 x5
            no pull
                A Offline { reason: "offline: broken" }
            s1: a1
                A → s2 advance [a1] settled e0
                A → s1 pushed, settled e0
                A → push of a after 0 [a1]
            push
                A → s1 rebase [a1] to [x1 x2 x3 a1→4r1] settled e3
                A → s2 rebase [a1] to [x1 x2 x3 a1→4r1] settled e3
            wait
                A → pull after 3
            wait
                A → push of a after 3 [a1→4]
            push
                A → s1 rebase [a1→4r1] to [x4 x5 a1→6r2] settled e5
                A → s2 rebase [a1→4r1] to [x4 x5 a1→6r2] settled e5
                A → push of a after 5 [a1→6]
            push
                A → s1 advance [] settled e6, a1 confirmed at e6
                A → s2 advance [] settled e6, a1 confirmed at e6
            A: log [x1 x2 x3 x4 x5 a1→6] pending [] rejected [] upstream e6 local e6r2
        "#]],
    );
}

#[test]
fn on_first_contact_a_tail_with_more_behind_it_is_left_to_a_pull() {
    check(
        "others: x1 x2 x3 x4 x5 | s1: a1 | push | pull | push",
        expect![[r#"
        others: x1 x2 x3 x4 x5
            A → pull after 0
        s1: a1
            A → s2 advance [a1] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1]
        push
            A Online
        pull
            A → s1 rebase [a1] to [x1 x2 x3 x4 x5 a1→6r1] settled e5
            A → s2 rebase [a1] to [x1 x2 x3 x4 x5 a1→6r1] settled e5
            A → pull after 5, held
            A → push of a after 5 [a1→6]
        push
            A → s1 advance [] settled e6, a1 confirmed at e6
            A → s2 advance [] settled e6, a1 confirmed at e6
        A: log [x1 x2 x3 x4 x5 a1→6] pending [] rejected [] upstream e6 local e6r1, synced
    "#]],
    );
}

#[test]
fn a_batch_of_which_others_have_sent_a_part_is_behind() {
    check(
        "pull | s1: a1 a2 | others: a1 | push | push",
        expect![[r#"
        pull
            A → pull after 0
            A → pull after 0, held
            A Online
        s1: a1 a2
            A → s2 advance [a1 a2] settled e0
            A → s1 pushed, settled e0
            A → push of a after 0 [a1 a2]
        others: a1
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
