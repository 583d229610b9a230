"""A twin's recorded state in one SQLite file: objects, requests, webhooks.

Tests compare it with the shop's own log, so it survives what the shop survives: each statement is written (WAL)
before the caller gets an answer, and after a SIGKILL at any moment the next start continues.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

#: Recorded prefix of a request's body: enough for every API call but an upload.
RECORDED_BODY_BYTES = 64 * 1024

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS blobs (id TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
    idempotency_key TEXT, body TEXT NOT NULL, body_bytes INTEGER NOT NULL,
    status INTEGER, outcome TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL, type TEXT NOT NULL, url TEXT NOT NULL, body BLOB NOT NULL,
    state TEXT NOT NULL, due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, due_at);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event_id);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
    at REAL NOT NULL, status INTEGER, error TEXT
);
"""


class TwinState:
    """Objects by kind and id, blobs, requests and webhook deliveries; thread-safe."""

    def __init__(self, folder: Path | None, name: str) -> None:
        """Open `folder`/`name`.sqlite, or an in-memory database without a folder."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        target = ":memory:" if folder is None else str(folder / f"{name}.sqlite")
        self._connection = sqlite3.connect(target, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # Without fsync per commit a power cut may lose the last transactions; the death of the process cannot.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        #: Held by every transaction; the webhook sender waits on it for new work.
        self.changed = threading.Condition(threading.RLock())

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Run one statement and return its rows."""
        with self.changed:
            return self._connection.execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block atomically; nested transactions join. Never await inside."""
        with self.changed:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def put(self, kind: str, object_id: str, body: Json) -> None:
        """Upsert an object, keeping its place in the order of creation."""
        self.execute(
            "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, object_id, json.dumps(body)),
        )

    def get(self, kind: str, object_id: str) -> Json | None:
        """Return the object's latest state, or None."""
        rows = self.execute("SELECT body FROM objects WHERE kind = ? AND id = ?", (kind, object_id))
        return json.loads(rows[0]["body"]) if rows else None

    def find(self, kind: str, **equal: object) -> list[Json]:
        """Return objects whose top-level fields equal those given, newest first."""
        conditions = "".join(" AND json_extract(body, ?) IS ?" for _ in equal)
        parameters = [part for field, value in equal.items() for part in (f"$.{field}", value)]
        sql = f"SELECT body FROM objects WHERE kind = ?{conditions} ORDER BY seq DESC"  # noqa: S608 (no value in it)
        return [json.loads(row["body"]) for row in self.execute(sql, (kind, *parameters))]

    def remove(self, kind: str, object_id: str) -> None:
        """Delete an object, if it exists."""
        self.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, object_id))

    def put_blob(self, blob_id: str, content: bytes) -> None:
        """Store bytes outside the objects: attachments, pictures."""
        self.execute("INSERT OR REPLACE INTO blobs (id, content) VALUES (?, ?)", (blob_id, content))

    def get_blob(self, blob_id: str) -> bytes | None:
        """Return the bytes, or None."""
        rows = self.execute("SELECT content FROM blobs WHERE id = ?", (blob_id,))
        return rows[0]["content"] if rows else None

    def remove_blob(self, blob_id: str) -> None:
        """Delete the bytes, if they exist."""
        self.execute("DELETE FROM blobs WHERE id = ?", (blob_id,))

    def open_request(self, method: str, path: str, query: str, key: str | None, body: bytes) -> int:
        """Record a request before it is handled; return its id."""
        text = body[:RECORDED_BODY_BYTES].decode(errors="replace")
        (row,) = self.execute(
            "INSERT INTO requests (at, method, path, query, idempotency_key, body, body_bytes, outcome) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 'open') RETURNING id",
            (time.time(), method, path, query, key, text, len(body)),
        )
        return int(row["id"])

    def close_request(self, request_id: int, status: int | None, outcome: str) -> None:
        """Record a request's status, and whether the caller received it."""
        self.execute(
            "UPDATE requests SET status = ?, outcome = ? WHERE id = ?", (status, outcome, request_id)
        )

    def snapshot(self) -> Json:
        """Return everything but the blobs, for GET /_twin/ledger."""
        with self.changed:
            kinds = self.execute("SELECT kind FROM objects GROUP BY kind ORDER BY kind")
            return {
                "objects": {row["kind"]: self.find(row["kind"])[::-1] for row in kinds},
                "requests": [dict(row) for row in self.execute("SELECT * FROM requests ORDER BY id")],
                "webhooks": [self._with_attempts(row) for row in self.deliveries()],
            }

    def deliveries(self) -> list[sqlite3.Row]:
        """Return every webhook delivery without its body, oldest first."""
        return self.execute(
            "SELECT id, event_id, type, url, state, due_at FROM deliveries ORDER BY id",
        )

    def _with_attempts(self, delivery: sqlite3.Row) -> Json:
        attempts = self.execute(
            "SELECT at, status, error FROM attempts WHERE delivery_id = ? ORDER BY id", (delivery["id"],)
        )
        return {**dict(delivery), "attempts": [dict(attempt) for attempt in attempts]}
