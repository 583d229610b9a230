"""Usage is counted in total by quota and hour, without Redis."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE usage_totals (
            name text NOT NULL,
            window_started_at timestamptz NOT NULL,
            amount bigint NOT NULL CHECK (amount > 0),
            PRIMARY KEY (name, window_started_at)
        );
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE usage_totals")
