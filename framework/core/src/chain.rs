//! Hashes that make a history comparable in one step.
//!
//! Each event has a [`Digest`] over its body. The [`Chain`] value at a position covers the digests of all synced
//! events up to there: equal chain at equal head means equal history.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{EventBody, EventScope};
use crate::ids::{IdError, byte_id};

byte_id! {
    /// BLAKE3 over an event's body, in a canonical form: every field, each with its length before it.
    Digest, 32, "digest"
}
byte_id! {
    /// BLAKE3 over the previous chain value, the position and the digest of the event at it.
    Chain, 32, "chain"
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

impl Digest {
    /// The digest of a body.
    #[must_use]
    pub fn of(body: &EventBody) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(body.id.as_bytes());
        text(&mut hasher, &body.name);
        number(&mut hasher, body.ver.into());
        text(&mut hasher, body.args.json());
        text(&mut hasher, body.client_id.as_str());
        text(&mut hasher, body.session_id.as_str());
        number(&mut hasher, u64::from(body.scope == EventScope::ClientOnly));
        number(&mut hasher, body.group_rest.into());
        for facts in [&body.facts.writes, &body.facts.requires, &body.facts.reads] {
            number(&mut hasher, facts.len() as u64);
            for fact in facts {
                text(&mut hasher, fact);
            }
        }
        Self::from_bytes(*hasher.finalize().as_bytes())
    }
}

impl Chain {
    /// The value before the first event.
    pub const ROOT: Self = Self([0; 32]);

    /// The value after one more event, at position `global`.
    #[must_use]
    pub fn next(&self, global: u64, digest: &Digest) -> Self {
        let mut input = [0; 72];
        input[..32].copy_from_slice(&self.0);
        input[32..40].copy_from_slice(&global.to_le_bytes());
        input[40..].copy_from_slice(digest.as_bytes());
        Self(*blake3::hash(&input).as_bytes())
    }
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    number(hasher, text.len() as u64);
    hasher.update(text.as_bytes());
}

fn number(hasher: &mut blake3::Hasher, number: u64) {
    hasher.update(&number.to_le_bytes());
}
