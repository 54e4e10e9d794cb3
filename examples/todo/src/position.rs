//! Where a row stands among its neighbours, as text.
//!
//! A row is moved by one event that gives it a text between those of its new neighbours; no other row is touched, so
//! that two clients can move rows at the same time. There is always room between two texts: numbers would run out of
//! digits after some fifty moves to the same place.
//!
//! A text begins with `HEAD` digits, which count in steps at the ends of the list; so a long list has short texts.
//! What is put between two rows gets digits behind them. Order is that of bytes, as in SQLite.

use std::cmp::Ordering;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: usize = DIGITS.len();
/// Digits that count.
const HEAD: usize = 6;
/// The distance of neighbours at the ends.
const STEP: usize = BASE * BASE;

/// A text between two others: after `left` or the beginning, and before `right` or the end.
///
/// If `left` is not before `right`, because two clients chose the same place, it is one after `left`.
#[must_use]
pub fn between(left: Option<&str>, right: Option<&str>) -> String {
    match (left, right) {
        (None, None) => head(BASE.pow(HEAD as u32) / 2),
        (Some(left), None) => after(left),
        (None, Some(right)) => before(right),
        (Some(left), Some(right)) if left < right => text(&middle(&digits(left), Some(&digits(right)))),
        (Some(left), Some(_)) => text(&middle(&digits(left), None)),
    }
}

fn after(left: &str) -> String {
    let next = value(left) + STEP;
    if next < BASE.pow(HEAD as u32) { head(next) } else { text(&middle(&digits(left), None)) }
}

fn before(right: &str) -> String {
    match value(right).checked_sub(STEP) {
        Some(previous) if previous > 0 => head(previous),
        _ => text(&middle(&[], Some(&digits(right)))),
    }
}

/// The number that the first digits are.
fn value(position: &str) -> usize {
    let digits = digits(position);
    (0..HEAD).fold(0, |value, index| value * BASE + digits.get(index).copied().unwrap_or(0))
}

fn head(value: usize) -> String {
    let digits: Vec<_> = (0..HEAD).rev().map(|power| value / BASE.pow(power as u32) % BASE).collect();
    text(&digits)
}

/// The digits of a text. What is none, because another app wrote it, counts as 0.
fn digits(position: &str) -> Vec<usize> {
    position.bytes().map(|byte| DIGITS.binary_search(&byte).unwrap_or(0)).collect()
}

fn text(digits: &[usize]) -> String {
    digits.iter().map(|digit| char::from(DIGITS[*digit])).collect()
}

/// Digits between two others, as fractions: shorter ones end in zeros. Those that come out never do.
fn middle(left: &[usize], right: Option<&[usize]>) -> Vec<usize> {
    let (low, rest) = left.split_first().map_or((0, left), |(low, rest)| (*low, rest));
    let high = match right {
        None => BASE,
        Some(right) => right.first().copied().unwrap_or(0),
    };
    match high.cmp(&(low + 1)) {
        Ordering::Greater => vec![usize::midpoint(low, high)],
        // The same digit: what matters comes behind it. Where the right side has none left, there is no room.
        Ordering::Less => {
            let right = right.and_then(<[usize]>::split_first).map(|(_, rest)| rest).filter(|rest| !is_zero(rest));
            prepend(low, middle(rest, right))
        }
        Ordering::Equal => match right {
            Some([high, behind @ ..]) if !is_zero(behind) => vec![*high],
            _ => prepend(low, middle(rest, None)),
        },
    }
}

fn is_zero(digits: &[usize]) -> bool {
    digits.iter().all(|digit| *digit == 0)
}

fn prepend(first: usize, mut rest: Vec<usize>) -> Vec<usize> {
    rest.insert(0, first);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_between(left: Option<&str>, right: Option<&str>) -> String {
        let position = between(left, right);
        assert!(left.is_none_or(|left| left < &*position), "{left:?} {position}");
        assert!(right.is_none_or(|right| &*position < right), "{position} {right:?}");
        position
    }

    #[test]
    fn there_is_always_room_next_to_any_row() {
        let mut rows = vec![is_between(None, None)];
        let mut random: usize = 7;
        for _ in 0..2_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (random >> 33) % (rows.len() + 1);
            let left = at.checked_sub(1).map(|left| rows[left].clone());
            let row = is_between(left.as_deref(), rows.get(at).map(String::as_str));
            rows.insert(at, row);
        }
        assert!(rows.is_sorted());
    }

    #[test]
    fn there_is_room_in_the_same_place_again_and_again() {
        let (mut left, right) = (is_between(None, None), is_between(None, None) + "1");
        for _ in 0..500 {
            left = is_between(Some(&left), Some(&right));
        }
        let (left, mut right) = (between(None, None), between(Some(&between(None, None)), None));
        for _ in 0..500 {
            right = is_between(Some(&left), Some(&right));
        }
    }

    #[test]
    fn long_lists_have_short_positions() {
        let mut last = between(None, None);
        let mut first = last.clone();
        for _ in 0..100_000 {
            last = is_between(Some(&last), None);
            first = is_between(None, Some(&first));
        }
        assert_eq!((last.len(), first.len()), (HEAD, HEAD));
    }

    #[test]
    fn a_position_of_another_app_gets_one_behind_it() {
        for left in ["", "0", "z", "zzzzzzzz", "\u{fc}", "000000", "V00000"] {
            assert_ne!(between(Some(left), None), "");
            for right in ["", "0", "000000", "0000000", "zzzzzz", "V00000", "V0000"] {
                assert_ne!(between(Some(left), Some(right)), left);
                assert_ne!(between(None, Some(right)), "");
            }
        }
    }
}
