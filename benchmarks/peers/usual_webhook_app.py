"""A webhook the usual way: Stripe's SDK, and SQLAlchemy's ORM on asyncio."""

import json
import os
import sys
from typing import Any

import stripe
from litestar import Litestar, Request, post
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.limits.serving import serve

#: As many as the clients of the row.
CONNECTIONS = 16


class Base(DeclarativeBase):
    """The tables of this application."""


class StripeEvent(Base):
    """An event that was received."""

    __tablename__ = "stripe_events"

    event_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    body: Mapped[str]


def create_app(database_url: str, secret: str) -> Litestar:
    """Build the application; the first request creates its table."""
    engine = create_async_engine(
        database_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=CONNECTIONS
    )
    session_of = async_sessionmaker(engine, class_=AsyncSession)

    async def create_tables() -> None:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
            await connection.run_sync(Base.metadata.create_all)

    @post("/api/webhooks/stripe", status_code=200)
    async def from_stripe(request: Request[Any, Any, Any]) -> None:
        event = stripe.Webhook.construct_event(
            await request.body(), request.headers["stripe-signature"], secret
        )
        async with session_of() as session, session.begin():
            body = json.dumps(event.to_dict())
            session.add(StripeEvent(event_id=event.id, kind=event.type, body=body))

    return Litestar([from_stripe], logging_config=None, on_startup=[create_tables])


if __name__ == "__main__":
    serve(create_app(os.environ["DATABASE_URL"], os.environ["STRIPE_WEBHOOK_SECRET"]), int(sys.argv[1]))
