"""Customers have a phone number and metadata.

The number is there only if the shop asks for one. Both are personal data: an erased customer has neither.
"""

from alembic import op

revision = "0029"
down_revision = "0028"

_NAME = "customers_are_known_or_erased"


def upgrade() -> None:
    op.execute("ALTER TABLE customers ADD COLUMN phone text, ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}'")
    _replace_check("num_nonnulls(email, name, locale, referral_code, phone) = 0 AND metadata = '{}'")


def downgrade() -> None:
    _replace_check("num_nonnulls(email, name, locale, referral_code) = 0")
    op.execute("ALTER TABLE customers DROP COLUMN metadata, DROP COLUMN phone")


def _replace_check(erased: str) -> None:
    op.execute(f"ALTER TABLE customers DROP CONSTRAINT {_NAME}")
    op.execute(
        f"""ALTER TABLE customers ADD CONSTRAINT {_NAME} CHECK (
            CASE WHEN erased_at IS NULL THEN num_nonnulls(email, referral_code) = 2 ELSE {erased} END
        )"""
    )
