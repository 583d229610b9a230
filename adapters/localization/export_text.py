"""The texts of a data export, in English."""

from collections.abc import Sequence

from adapters.localization.timeline_text import TimelineText, timeline_text_of
from domain.order.events import RecordedEvent

_README = """This archive holds everything this shop has about the owner of the e-mail address in person.json.

person.json          what is written down, by the name of the table it is in
ORDER/history.json   every event of the order, from its payment on
ORDER/story.txt      the same in words
ORDER/originals/     the photos as they were sent
ORDER/results/       the photos as they were restored
ORDER/archives/      the archives behind the download links

Photos that were deleted already, because their retention was over, are named in history.json only.

Stripe has the payments, SendGrid the addresses that mails went to; ask the shop about those.
"""


class EnglishExportText:
    """The archive's texts, see the port."""

    def readme(self) -> str:
        """See the port."""
        return _README

    def incomplete(self, detail: str) -> str:
        """See the port."""
        return (
            "The history of this order cannot be read at present, and is missing here. Its photos are complete, under "
            f"the names that they are stored by. To the shop: {detail}; then export again.\n"
        )

    def timeline(self, history: Sequence[RecordedEvent]) -> str:
        """See the port."""
        return timeline_document(timeline_text_of(history))


def timeline_document(timeline: TimelineText) -> str:
    """A timeline as a text file, one line an event."""
    lines = [f"{entry.recorded.recorded_at:%Y-%m-%d %H:%M:%S}  {entry.text}" for entry in timeline.entries]
    return "\n".join([timeline.title, "", *lines, "", timeline.ending, ""])
