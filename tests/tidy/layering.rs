//! Who may name what: the arrows of the architecture, on source text.

use crate::tree::Tree;

/// Within some files, some phrases are allowed in some places only.
struct Layer {
    /// The files that it is about: paths begin like this.
    within: &'static [&'static str],
    /// Where these may stand all the same: paths begin like this.
    except: &'static [&'static str],
    phrases: &'static [&'static str],
    why: &'static str,
}

const LAYERS: &[Layer] = &[
    Layer {
        within: &["framework/src/"],
        except: &["framework/src/db.rs", "framework/src/db/"],
        phrases: &["Connection", "rusqlite::{Connection", "rusqlite::ffi"],
        why: "only `db` knows connections",
    },
    Layer {
        within: &["framework/", "macros/"],
        except: &["framework/server/", "framework/src/sync_provider.rs", "framework/src/sync_provider/"],
        phrases: &["reqwest", "hyper", "axum", "tower", "tower_http", "rustls", "std::net", "tokio::net", "TcpStream"],
        why: "only `sync_provider` and the server touch the network",
    },
    Layer {
        within: &["framework/src/query.rs", "framework/src/query/"],
        except: &[],
        phrases: &["leader", "Leader", "sync_provider", "SyncProvider", "HttpSync", "session", "Session", "Store"],
        why: "queries don't know that sync exists",
    },
    Layer {
        within: &["framework/src/leader.rs", "framework/src/leader/", "framework/core/src/"],
        except: &[],
        phrases: &["crate::query", "query::", "Query", "LiveQuery", "LiveQueries"],
        why: "the leader doesn't know that queries exist",
    },
    Layer {
        within: &["framework/src/sync_provider.rs", "framework/src/sync_provider/"],
        except: &[],
        phrases: &["rusqlite", "crate::db", "crate::query", "crate::session", "crate::store", "Session"],
        why: "a sync provider carries messages and knows nothing else",
    },
    Layer {
        within: &["framework/src/db.rs", "framework/src/db/", "framework/src/schema.rs", "framework/src/schema/"],
        except: &[],
        phrases: &["crate::leader", "crate::session", "crate::store", "crate::sync_provider"],
        why: "what is below knows nothing of what is above",
    },
    Layer {
        within: &["framework/src/db.rs", "framework/src/db/", "framework/src/schema.rs", "framework/src/schema/"],
        // `Todo::query()` reads better than any other way to begin.
        except: &["framework/src/schema/table.rs"],
        phrases: &["crate::query"],
        why: "what is below knows nothing of what is above",
    },
    Layer {
        within: &["framework/core/src/"],
        except: &[],
        phrases: &[
            "std::fs",
            "std::net",
            "std::thread",
            "std::env",
            "std::process",
            "std::{",
            "Instant",
            "SystemTime",
            "Mutex",
            "tokio",
            "rusqlite",
            "tracing",
            "rand",
            "getrandom",
        ],
        why: "the core is pure",
    },
    Layer {
        within: &["framework/server/"],
        except: &[],
        phrases: &["headwater::"],
        why: "the server knows the core only",
    },
];

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    LAYERS.iter().flat_map(|layer| layer.complaints(tree)).collect()
}

impl Layer {
    fn complaints(&self, tree: &Tree) -> Vec<String> {
        let begins = |path: &str, list: &[&str]| list.iter().any(|start| path.starts_with(start));
        let mut complaints = Vec::new();
        for file in &tree.rust {
            if !begins(&file.path, self.within) || begins(&file.path, self.except) || file.is_test() {
                continue;
            }
            for phrase in self.phrases {
                let lines = file.lines_with(phrase);
                complaints.extend(lines.map(|line| format!("{}:{line}: `{phrase}`: {}", file.path, self.why)));
            }
        }
        complaints
    }
}
