"""The schema as SQLAlchemy knows it; the revisions in ``migrations`` establish the same, and a test compares them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    FetchedValue,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    desc,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

metadata = MetaData()


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "xid8"


def _moment(name: str, *, nullable: bool = True, primary_key: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, primary_key=primary_key)


def _touched() -> Column[object]:
    """When the row was written last; a trigger keeps it, so it tells about the row, not about the shop."""
    return Column(
        "updated_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        server_onupdate=FetchedValue(),
    )


def _created() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


customers = Table(
    "customers",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("email", Text),
    Column("name", Text),
    Column("locale", Text),
    _moment("erased_at"),
    _created(),
    _touched(),
    Column("referral_code", Text, unique=True),
    CheckConstraint(
        "CASE WHEN erased_at IS NULL THEN num_nonnulls(email, referral_code) = 2"
        " ELSE num_nonnulls(email, name, locale, referral_code) = 0 END",
        name="customers_are_known_or_erased",
    ),
)
Index("customers_email_key", func.lower(customers.c.email), unique=True)

#: That somebody was forgotten; it names nobody.
erasures = Table(
    "erasures",
    metadata,
    Column("erasure_id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("customers.customer_id"), nullable=False, unique=True),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _moment("erased_at", nullable=False),
)

upload_sessions = Table(
    "upload_sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False, unique=True),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('open', 'checkout', 'pending', 'paid', 'expired')"),
        nullable=False,
    ),
    _moment("opened_at", nullable=False),
    Column("checkout_attempt", Integer),
    Column("checkout_session_id", Text, unique=True),
    Column("checkout_url", Text),
    _moment("checkout_reserved_at"),
    _moment("checkout_expires_at"),
    Column("quoted_amount", BigInteger, CheckConstraint("quoted_amount >= 0")),
    Column("quoted_currency", Text),
    _moment("temp_objects_deleted_at"),
    _created(),
    _touched(),
    Column("referrer_id", Uuid),
    Column("points_customer_id", Uuid),
    Column("points", Integer, CheckConstraint("points > 0")),
    Column("points_discount_amount", BigInteger, CheckConstraint("points_discount_amount > 0")),
    CheckConstraint(
        "num_nonnulls(points_customer_id, points, points_discount_amount) IN (0, 3)",
        name="upload_sessions_spending_is_whole",
    ),
)
Index(
    "upload_sessions_spending",
    upload_sessions.c.points_customer_id,
    postgresql_where=text("status IN ('checkout', 'pending')"),
)
Index(
    "upload_sessions_with_temp_objects",
    upload_sessions.c.opened_at,
    postgresql_where=text("temp_objects_deleted_at IS NULL"),
)

file_uploads = Table(
    "file_uploads",
    metadata,
    Column("photo_id", Uuid, primary_key=True),
    Column("session_id", Uuid, ForeignKey("upload_sessions.session_id", ondelete="CASCADE"), nullable=False),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("object_key", Text, nullable=False, unique=True),
    Column("sha256", Text, CheckConstraint("length(sha256) = 64"), nullable=False),
    Column("size_bytes", BigInteger, CheckConstraint("size_bytes > 0"), nullable=False),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, CheckConstraint("width > 0"), nullable=False),
    Column("height", Integer, CheckConstraint("height > 0"), nullable=False),
    _created(),
)
Index("file_uploads_session", file_uploads.c.session_id, file_uploads.c.sequence)

events = Table(
    "events",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("txid", Xid8, nullable=False, server_default=func.pg_current_xact_id()),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("order_id", Uuid, nullable=False),
    Column("version", Integer, CheckConstraint("version > 0"), nullable=False),
    Column("name", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    _moment("recorded_at", nullable=False),
    Column("cause", Text, nullable=False),
    Column("cause_key", Text, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("previous_sha256", Text, CheckConstraint("length(previous_sha256) = 64")),
    Column("sha256", Text, CheckConstraint("length(sha256) = 64"), nullable=False),
    UniqueConstraint("order_id", "version", name="events_order_id_version_key"),
    UniqueConstraint("order_id", "cause_key", name="events_order_id_cause_key_key"),
    CheckConstraint("(previous_sha256 IS NULL) = (version = 1)", name="events_chain_has_one_beginning"),
)
Index("events_commit_order", events.c.txid, events.c.position)

order_numbers = Table(
    "order_numbers",
    metadata,
    Column("day", Date, primary_key=True),
    Column("last_number", Integer, CheckConstraint("last_number > 0"), nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column(
        "number",
        Text,
        CheckConstraint("number ~ '^[0-9]{8}-[0-9]{6,}$'"),
        nullable=False,
        unique=True,
    ),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("hold_reason", Text),
    Column("is_disputed", Boolean, nullable=False),
    Column("photos_are_purged", Boolean, nullable=False),
    Column("customer_id", Uuid, ForeignKey("customers.customer_id"), nullable=False),
    Column("upload_session_id", Uuid, nullable=False, unique=True),
    Column("checkout_session_id", Text, nullable=False, unique=True),
    Column("payment_intent_id", Text, unique=True),
    Column("currency", Text, nullable=False),
    Column("quoted_amount", BigInteger, nullable=False),
    Column("discount_amount", BigInteger, nullable=False),
    Column("paid_amount", BigInteger, nullable=False),
    Column("refunded_amount", BigInteger, nullable=False),
    Column("images", Integer, nullable=False),
    Column("restored_images", Integer, nullable=False),
    Column("failed_images", Integer, nullable=False),
    _moment("paid_at", nullable=False),
    _moment("completed_at"),
    _moment("refunded_at"),
    _touched(),
)
Index("orders_customer", orders.c.customer_id)
Index("orders_paid_at", desc(orders.c.paid_at))
Index("orders_with_photos", orders.c.order_id, postgresql_where=text("NOT photos_are_purged"))
Index("orders_held", orders.c.paid_at, postgresql_where=text("hold_reason IS NOT NULL"))

images = Table(
    "images",
    metadata,
    Column("image_id", Uuid, primary_key=True),
    Column("order_id", Uuid, ForeignKey("orders.order_id", ondelete="CASCADE"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("upload_key", Text, nullable=False),
    Column("original_key", Text),
    Column("original_sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("share_amount", BigInteger, nullable=False),
    Column("restored_key", Text),
    Column("restored_sha256", Text),
    Column("restored_size_bytes", BigInteger),
    Column("restored_media_type", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("failure_reason", Text),
    _touched(),
    UniqueConstraint("order_id", "sequence", name="images_order_id_sequence_key"),
)

restoration_jobs = Table(
    "restoration_jobs",
    metadata,
    Column("image_id", Uuid, ForeignKey("images.image_id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("status", Text, nullable=False),
    Column("prediction_id", Text),
    Column("model", Text),
    Column("failure_reason", Text),
    _touched(),
)
Index("restoration_jobs_prediction", restoration_jobs.c.prediction_id)

email_queue = Table(
    "email_queue",
    metadata,
    Column("email_id", Uuid, primary_key=True),
    Column("order_id", Uuid, ForeignKey("orders.order_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("message_id", Text),
    _touched(),
)
Index("email_queue_order", email_queue.c.order_id)

download_links = Table(
    "download_links",
    metadata,
    Column("link_id", Uuid, primary_key=True),
    Column("order_id", Uuid, ForeignKey("orders.order_id", ondelete="CASCADE"), nullable=False),
    Column("token_sha256", Text, nullable=False, unique=True),
    Column("archive_key", Text, nullable=False),
    Column("archive_sha256", Text, nullable=False),
    Column("archive_size_bytes", BigInteger, nullable=False),
    _moment("expires_at", nullable=False),
    Column("edition", Integer, nullable=False),
    Column("is_revoked", Boolean, nullable=False),
    Column("openings", Integer, nullable=False),
    _touched(),
)
Index("download_links_order", download_links.c.order_id)

#: What came to customers and went because of an order: the friend who recommended the shop may be one of them.
points = Table(
    "points",
    metadata,
    Column("order_id", Uuid, ForeignKey("orders.order_id", ondelete="CASCADE"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("points", Integer, nullable=False),
    Column("reason", Text, nullable=False),
)
Index("points_customer", points.c.customer_id)

#: The tables a fold of the log fills, parents before children.
READ_MODELS = (orders, images, restoration_jobs, email_queue, download_links, points)

reactions = Table(
    "reactions",
    metadata,
    Column("reaction_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("arguments", JSONB, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('pending', 'leased', 'done', 'dropped', 'failed')"),
        nullable=False,
        server_default="pending",
    ),
    _moment("first_due_at", nullable=False),
    _moment("due_at", nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_token", Uuid),
    _moment("leased_until"),
    _moment("sent_at"),
    Column("sendings", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    _created(),
    _touched(),
    _moment("admitted_at"),
    CheckConstraint(
        "(status = 'leased') = (lease_token IS NOT NULL AND leased_until IS NOT NULL)",
        name="reactions_lease_is_whole",
    ),
)
Index("reactions_order", reactions.c.order_id)
Index("reactions_open", reactions.c.due_at, postgresql_where=text("status IN ('pending', 'leased')"))
Index(
    "reactions_admitted",
    reactions.c.order_id,
    postgresql_where=text("admitted_at IS NOT NULL AND status IN ('pending', 'leased')"),
)
Index(
    "reactions_open_kinds",
    reactions.c.kind,
    reactions.c.order_id,
    postgresql_where=text("status IN ('pending', 'leased')"),
)
Index(
    "reactions_lease",
    reactions.c.lease_token,
    unique=True,
    postgresql_where=text("status = 'leased'"),
)

admissions = Table(
    "admissions",
    metadata,
    Column("admission_id", BigInteger, Identity(always=True), primary_key=True),
    Column("reaction_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    _moment("admitted_at", nullable=False),
)

admission_pause = Table(
    "admission_pause",
    metadata,
    Column(
        "is_only_row", Boolean, CheckConstraint("is_only_row"), primary_key=True, server_default=text("true")
    ),
    _moment("paused_until", nullable=False),
)
notes = Table(
    "notes",
    metadata,
    Column("note_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("text", Text, nullable=False),
    _moment("written_at", nullable=False),
)
Index("notes_order", notes.c.order_id, notes.c.written_at)

webhook_inbox = Table(
    "webhook_inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("event_type", Text, nullable=False),
    Column("body_sha256", Text, nullable=False),
    _moment("received_at", nullable=False),
)

#: No body: what a message of such a kind holds may be anything.
webhook_conflicts = Table(
    "webhook_conflicts",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("body_sha256", Text, primary_key=True),
    Column("event_type", Text, nullable=False),
    _moment("received_at", nullable=False),
)

unmatched_payments = Table(
    "unmatched_payments",
    metadata,
    Column("checkout_session_id", Text, primary_key=True),
    Column("upload_session_id", Uuid),
    Column("payment_intent_id", Text),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('open', 'refunding', 'refunded', 'matched')"),
        nullable=False,
        server_default="open",
    ),
    Column("returned", JSONB, nullable=False, server_default="{}"),
    Column("attempt", Integer, nullable=False, server_default="1"),
    _moment("asked_at"),
    _moment("retry_at"),
    Column("problem", Text),
    Column("actor", Text),
    Column("note", Text),
    _moment("decided_at"),
    Column("matched_session_id", Uuid),
    _moment("received_at", nullable=False),
    _touched(),
)
Index("unmatched_payments_intent", unmatched_payments.c.payment_intent_id)
Index(
    "unmatched_payments_unsettled",
    unmatched_payments.c.received_at,
    postgresql_where=text("status IN ('open', 'refunding')"),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    _moment("began_at", nullable=False, primary_key=True),
    _moment("ended_at"),
    Column("findings", Integer),
    Column("healed", Integer),
)
