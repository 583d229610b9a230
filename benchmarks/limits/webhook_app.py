"""The limit of a webhook: Litestar, an HMAC and one INSERT."""

import hashlib
import hmac
import os
import sys
from typing import Any

from anyio import to_thread
from litestar import Litestar, Request, post
from psycopg_pool import ConnectionPool

from benchmarks.limits.serving import serve

#: As many as the threads of a Litestar application that can wait for the database.
CONNECTIONS = 16


def create_app(database_url: str, secret: str) -> Litestar:
    """Build the application; it creates its table."""
    pool = ConnectionPool(database_url, min_size=CONNECTIONS, kwargs={"autocommit": True}, open=True)
    with pool.connection() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS inbox (id bigserial PRIMARY KEY, body text)")

    def insert(body: bytes) -> None:
        with pool.connection() as connection:
            connection.execute("INSERT INTO inbox (body) VALUES (%s)", (body.decode(),))

    @post("/api/webhooks/stripe", status_code=200)
    async def from_stripe(request: Request[Any, Any, Any]) -> None:
        body = await request.body()
        _, stamp, _, signature = request.headers["stripe-signature"].replace(",", "=").split("=")
        expected = hmac.new(secret.encode(), b"%b.%b" % (stamp.encode(), body), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, signature):
            raise PermissionError
        await to_thread.run_sync(insert, body)

    return Litestar([from_stripe], logging_config=None)


if __name__ == "__main__":
    serve(create_app(os.environ["DATABASE_URL"], os.environ["STRIPE_WEBHOOK_SECRET"]), int(sys.argv[1]))
