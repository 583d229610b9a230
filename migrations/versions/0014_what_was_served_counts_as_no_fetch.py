"""Serving a file through a link is not a download.

The counts of links are those of the customer's buttons.
"""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    # Every download stored so far (order.result_downloaded.v1) was some client's GET, so none is counted.
    op.execute("UPDATE download_links SET openings = 0 WHERE openings > 0")


def downgrade() -> None:
    """Count as the previous version does: each file requested through a link."""
    op.execute(
        """
        UPDATE download_links SET openings = fetched.files
        FROM (
            SELECT data ->> 'link_id' AS link_id, count(DISTINCT coalesce(data ->> 'image_id', '')) AS files
            FROM events WHERE name LIKE 'order.result_downloaded.v%' GROUP BY 1
        ) AS fetched
        WHERE download_links.link_id::text = fetched.link_id
        """
    )
