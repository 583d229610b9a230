"""What was only served through a link is no fetch: the counts of links are those of the customer's buttons."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    # Every download that is stored so far (order.result_downloaded.v1) was some client's GET, so none is a fetch.
    op.execute("UPDATE download_links SET openings = 0 WHERE openings > 0")


def downgrade() -> None:
    """Count as the version before does: each file of a link that was ever asked for."""
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
