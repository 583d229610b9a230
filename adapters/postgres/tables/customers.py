"""Customers, their uploads, and notes of staff about their orders."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from adapters.postgres.tables.columns import created, metadata, moment, touched

customers = Table(
    "customers",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("email", Text),
    Column("name", Text),
    Column("locale", Text),
    moment("erased_at"),
    created(),
    touched(),
    Column("referral_code", Text, unique=True),
    Column("phone", Text),
    Column("metadata", JSONB, nullable=False, server_default=text("'{}'")),
    CheckConstraint(
        "CASE WHEN erased_at IS NULL THEN num_nonnulls(email, referral_code) = 2"
        " ELSE num_nonnulls(email, name, locale, referral_code, phone) = 0 AND metadata = '{}' END",
        name="customers_are_known_or_erased",
    ),
)
Index("customers_email_key", func.lower(customers.c.email), unique=True)

#: Records that a customer was erased; it holds no personal data of theirs.
erasures = Table(
    "erasures",
    metadata,
    Column("erasure_id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("customers.customer_id"), nullable=False, unique=True),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    moment("erased_at", nullable=False),
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
    moment("opened_at", nullable=False),
    Column("checkout_attempt", Integer),
    Column("checkout_session_id", Text, unique=True),
    Column("checkout_url", Text),
    moment("checkout_reserved_at"),
    moment("checkout_expires_at"),
    Column("quoted_amount", BigInteger, CheckConstraint("quoted_amount >= 0")),
    Column("quoted_currency", Text),
    moment("temp_objects_deleted_at"),
    created(),
    touched(),
    Column("referrer_id", Uuid),
    Column("points_customer_id", Uuid),
    Column("points", Integer, CheckConstraint("points > 0")),
    Column("points_discount_amount", BigInteger, CheckConstraint("points_discount_amount > 0")),
    Column("client", JSONB),  # that asked for the checkout: network, device and browser
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
    Column("distinct_sha256", Text),  # null for duplicates uploaded before they were refused
    Column("size_bytes", BigInteger, CheckConstraint("size_bytes > 0"), nullable=False),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, CheckConstraint("width > 0"), nullable=False),
    Column("height", Integer, CheckConstraint("height > 0"), nullable=False),
    created(),
    Column("sketch", LargeBinary),  # of ``ImageFacts``, until the temporary objects are deleted
)
Index("file_uploads_session", file_uploads.c.session_id, file_uploads.c.sequence)
Index("file_uploads_once", file_uploads.c.session_id, file_uploads.c.distinct_sha256, unique=True)

resumable_uploads = Table(
    "resumable_uploads",
    metadata,
    Column("upload_id", Uuid, primary_key=True),
    Column("session_id", Uuid, ForeignKey("upload_sessions.session_id", ondelete="CASCADE"), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("size_bytes", BigInteger, CheckConstraint("size_bytes > 0"), nullable=False),
    Column("offset_bytes", BigInteger, nullable=False),
    Column("part_keys", ARRAY(Text), nullable=False),
    moment("expires_at", nullable=False),
    Column("photo_id", Uuid),
    Column("is_duplicate", Boolean, nullable=False),
    created(),
    CheckConstraint("offset_bytes BETWEEN 0 AND size_bytes", name="resumable_uploads_offset_is_within"),
    CheckConstraint(
        "(photo_id IS NOT NULL) = (offset_bytes = size_bytes)", name="resumable_uploads_whole_has_photo"
    ),
)
Index("resumable_uploads_session", resumable_uploads.c.session_id)

notes = Table(
    "notes",
    metadata,
    Column("note_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("text", Text, nullable=False),
    moment("written_at", nullable=False),
)
Index("notes_order", notes.c.order_id, notes.c.written_at)
