"""Predictions are admitted: running ones, starts per minute, and pauses."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE reactions ADD COLUMN admitted_at timestamptz;
        CREATE INDEX reactions_admitted ON reactions (order_id)
            WHERE admitted_at IS NOT NULL AND status IN ('pending', 'leased');
        CREATE INDEX reactions_open_kinds ON reactions (kind, order_id) WHERE status IN ('pending', 'leased');

        CREATE TABLE admissions (
            admission_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            reaction_id uuid NOT NULL,
            order_id uuid NOT NULL,
            admitted_at timestamptz NOT NULL
        );

        CREATE TABLE admission_pause (
            is_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_only_row),
            paused_until timestamptz NOT NULL
        );
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE admission_pause, admissions;
        DROP INDEX reactions_open_kinds, reactions_admitted;
        ALTER TABLE reactions DROP COLUMN admitted_at;
        """
    )
