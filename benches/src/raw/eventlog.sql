CREATE TABLE eventlog (
    global INTEGER NOT NULL,
    client INTEGER NOT NULL,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    ver INTEGER NOT NULL,
    args TEXT NOT NULL,
    client_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    group_rest INTEGER NOT NULL,
    facts TEXT NOT NULL,
    check_value BLOB NOT NULL,
    PRIMARY KEY (global, client)
) STRICT, WITHOUT ROWID
