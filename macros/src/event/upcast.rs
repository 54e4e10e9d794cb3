//! Versions of an event, and how older ones become the newest.

use syn::{Ident, Path};

use crate::arguments::{self, Argument, once};
use crate::errors::Errors;

/// `upcast(from = 1, with = function)`.
pub(super) struct Upcast {
    pub(super) from: u32,
    pub(super) with: Path,
}

pub(super) fn parse(argument: &Argument, errors: &mut Errors) -> Option<Upcast> {
    const EXAMPLE: &str = "from = 1, with = function";
    let (mut from, mut with) = (None, None);
    for part in arguments::of_list(argument.list(EXAMPLE, errors)?, errors) {
        match &*part.key() {
            "from" => once(&mut from, part.number(errors), &part, errors),
            "with" => once(&mut with, part.path(errors), &part, errors),
            _ => errors.unknown(&part.name, &["from", "with"]),
        }
    }
    match (from, with) {
        (Some((from, _)), Some(with)) => Some(Upcast { from, with }),
        _ => {
            errors.at(argument, format!("an upcast says what it lifts and how: write `upcast({EXAMPLE})`"));
            None
        }
    }
}

/// Sorts the upcasts and notes what is missing between version 1 and `ver`.
pub(super) fn check(event: &Ident, ver: u32, mut upcasts: Vec<Upcast>, errors: &mut Errors) -> Vec<Upcast> {
    upcasts.sort_by_key(|upcast| upcast.from);
    for (index, upcast) in upcasts.iter().enumerate() {
        if upcast.from == 0 || upcast.from >= ver {
            let problem = format!("there is no older version {}: the event is at version {ver}", upcast.from);
            errors.at(
                &upcast.with,
                format!("{problem}; write `ver = {}`, or remove this upcast", upcast.from.max(1) + 1),
            );
        }
        if upcasts[..index].iter().any(|earlier| earlier.from == upcast.from) {
            errors.at(&upcast.with, format!("a second upcast is from version {}: remove one of them", upcast.from));
        }
    }
    let has = |from| upcasts.iter().any(|upcast| upcast.from == from);
    // Bounded: a version far off is a typing error, and one hint is enough.
    if let Some(missing) = (1..ver).find(|from| !has(*from)) {
        let hint = format!("write `upcast(from = {missing}, with = function)`");
        errors.at(event, format!("version {missing} of this event can't be lifted to version {}: {hint}", missing + 1));
    }
    upcasts
}
