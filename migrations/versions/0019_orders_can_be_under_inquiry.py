"""Orders record open inquiries of banks; earlier ones had disputes only."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN has_open_inquiry boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE orders DROP COLUMN has_open_inquiry")
