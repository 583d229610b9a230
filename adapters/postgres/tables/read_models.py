"""The read models."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    desc,
    text,
)

from adapters.postgres.tables.columns import metadata, moment, touched

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
    Column("has_open_inquiry", Boolean, nullable=False, server_default=text("false")),
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
    moment("paid_at", nullable=False),
    moment("completed_at"),
    moment("refunded_at"),
    touched(),
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
    touched(),
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
    touched(),
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
    Column("opt_out", Text),
    touched(),
)
Index("email_queue_order", email_queue.c.order_id)
Index("email_queue_message", email_queue.c.message_id)
Index("email_queue_opted_out", email_queue.c.order_id, postgresql_where=email_queue.c.opt_out.is_not(None))

download_links = Table(
    "download_links",
    metadata,
    Column("link_id", Uuid, primary_key=True),
    Column("order_id", Uuid, ForeignKey("orders.order_id", ondelete="CASCADE"), nullable=False),
    Column("token_sha256", Text, nullable=False, unique=True),
    Column("archive_key", Text, nullable=False),
    Column("archive_sha256", Text, nullable=False),
    Column("archive_size_bytes", BigInteger, nullable=False),
    moment("expires_at", nullable=False),
    Column("edition", Integer, nullable=False),
    Column("is_revoked", Boolean, nullable=False),
    Column("openings", Integer, nullable=False),
    Column("is_shared", Boolean, nullable=False, server_default=text("false")),
    touched(),
)
Index("download_links_order", download_links.c.order_id)

#: Points earned or spent through an order, also by the customer who referred it.
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

#: In this order: parents before children.
READ_MODELS = (orders, images, restoration_jobs, email_queue, download_links, points)
