"""The schema names the oldest compatible program, so two versions can run.

A later revision that removes something sets ``oldest_program`` to the first revision whose program does without it.
"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute(
        f"""
        CREATE TABLE schema_compatibility (
            is_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_only_row),
            oldest_program text NOT NULL
        );
        INSERT INTO schema_compatibility (oldest_program) VALUES ('{revision}');
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE schema_compatibility")
