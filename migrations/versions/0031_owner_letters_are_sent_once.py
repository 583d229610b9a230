"""Letters to the shop's owner are claimed before they are sent.

A condition has a row from its first letter until it has ended; the morning letter has one for each day.
"""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE owner_letters (
            subject text PRIMARY KEY,
            claimed_at timestamptz NOT NULL,
            seen_at timestamptz NOT NULL,
            status text NOT NULL DEFAULT 'claimed' CHECK (status IN ('claimed', 'sent', 'unconfirmed', 'refused'))
        )"""
    )


def downgrade() -> None:
    op.execute("DROP TABLE owner_letters")
