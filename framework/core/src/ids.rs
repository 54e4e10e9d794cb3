//! Names of stores, clients, sessions, events and backends.
//!
//! Every name is parsed once, at the edge, and is valid from then on.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;

/// Why a text is not the name that it was meant to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The text is empty, too long, or has a character that such a name can't have.
    #[error(
        "{kind} {found:?} is not valid: use 1 to {max} characters out of A-Z, a-z, 0-9, `_` and `-`",
        max = limits::MAX_NAME_CHARS
    )]
    Name {
        /// What it was meant to be: `store id`, `client id`, `session id`.
        kind: &'static str,
        /// The text, cut after 80 characters.
        found: String,
    },
    /// The text is not the base64url form of the expected number of bytes.
    #[error("{kind} {found:?} is not valid: expected {bytes} bytes as base64url without padding")]
    Bytes {
        /// What it was meant to be: `event id`, `backend id`, `claim`.
        kind: &'static str,
        /// The text, cut after 80 characters.
        found: String,
        /// How many bytes it should stand for.
        bytes: usize,
    },
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

fn check_name(kind: &'static str, text: &str) -> Result<(), IdError> {
    let fits = (1..=limits::MAX_NAME_CHARS).contains(&text.len());
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if fits && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(IdError::Name { kind, found: cut(text) })
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses a name.
            ///
            /// # Errors
            /// [`IdError::Name`] unless it matches `^[A-Za-z0-9_-]{1,64}$`.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                check_name($kind, text)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&*text).map_err(D::Error::custom)
            }
        }
    };
}

text_id! {
    /// Names a store: one eventlog, shared by its clients.
    StoreId, "store id"
}
text_id! {
    /// Names a client: one device or data folder of a store. Not a secret, and not trusted to be unique.
    ClientId, "client id"
}
text_id! {
    /// Names a session: one open store of a client.
    SessionId, "session id"
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Makes it of its bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = || IdError::Bytes { kind: $kind, found: cut(text), bytes: $bytes };
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| error())?;
                bytes.try_into().map(Self).map_err(|_| error())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    };
}
pub(crate) use byte_id;

byte_id! {
    /// Identifies an event for ever: 128 random bits, given at commit, never changed by a rebase.
    /// Written as 22 characters of base64url.
    EventId, 16, "event id"
}
byte_id! {
    /// Identifies a backend's log of one store: random, made when the log is created.
    BackendId, 16, "backend id"
}
byte_id! {
    /// Proves that a client id is this client's own: the BLAKE3 hash of a random secret made with the id.
    Claim, 32, "claim"
}

impl Claim {
    /// The claim that goes with a client's secret.
    #[must_use]
    pub fn of_secret(secret: &[u8; 32]) -> Self {
        Self(*blake3::hash(secret).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for good in ["a", "team-7", "A_b-9", &"x".repeat(64)] {
            assert_eq!(StoreId::new(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "../x", "a b", "a/b", "é", "a\0", "a.b", "%2e", &"x".repeat(65)] {
            assert!(StoreId::new(bad).is_err(), "{bad:?} passed");
            assert!(serde_json::from_value::<StoreId>(serde_json::json!(bad)).is_err());
        }
    }

    #[test]
    fn an_event_id_is_22_characters_and_reads_back() {
        let id = EventId::from_bytes(*b"0123456789abcdef");
        assert_eq!(id.to_string().len(), 22);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("short".parse::<EventId>().is_err());
        assert!("!".repeat(22).parse::<EventId>().is_err());
        assert!(id.to_string().to_uppercase().parse::<EventId>() != Ok(id));
    }

    #[test]
    fn an_id_error_says_what_to_do() {
        let error = ClientId::new("no spaces").expect_err("a space is not allowed").to_string();
        assert_eq!(
            error,
            "client id \"no spaces\" is not valid: use 1 to 64 characters out of A-Z, a-z, 0-9, `_` and `-`"
        );
    }
}
