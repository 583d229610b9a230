"""Snapshots of requests for download links, and law 0 of every answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from domain.order.download_link import DownloadLink
from domain.order.order import Order
from domain.order.values import Sha256
from domain.signed_tokens import sha256_of
from tests.laws.snapshot import LinkOpening, Snapshot, keeps_photos
from tests.simulation.laws.errors import LawBrokenError, check, law
from tests.simulation.laws.world_snapshot import CLOCK_TOLERANCE
from tests.simulation.requests import Answer
from tests.simulation.scheduler import MINUTE

if TYPE_CHECKING:
    from tests.simulation.world import World

_DOWNLOAD = "/api/download/"
_OK, _FIRST_SERVER_ERROR = 200, 500
_TRIES = 3


class LinkRequests:
    """Watches requests; ``requested`` has method, token hash and target of links."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.requested: set[tuple[str, Sha256, str]] = set()

    @contextmanager
    def watching(self, method: str, target: str) -> Iterator[Callable[[Answer], None]]:
        """Check law 0 of every answer, and law 10 of links."""
        path, _, query = target.partition("?")
        parts = path.split("/")
        is_smaller_picture = "size=" in query or path.endswith("/original")
        is_link = target.startswith(_DOWNLOAD)
        token_sha256 = sha256_of(parts[3]) if is_link else None
        found = self._find(token_sha256) if token_sha256 and method == "GET" else None
        file = parts[4] if len(parts) > 4 else "archive"
        if token_sha256:
            self.requested.add((method, token_sha256, file))
        began_at = self._world.scheduler.moment()
        facts = self._world.scheduler.current.facts
        facts["caught"] = ""
        was_quiet = self._world.quiet_from is not None and self._world.scheduler.now >= self._world.quiet_from

        def watch(answer: Answer) -> None:
            is_known = "UnknownEventError" in str(facts["caught"]) and not self._world.api.knows_new_events
            # A provider is also asked to repeat what depends on a webhook event that has not come yet.
            may_come_again = not was_quiet or target.startswith("/api/webhooks/")
            is_outage = answer.status > _FIRST_SERVER_ERROR and may_come_again
            # A file that the storage has lost is answered with an error that says so.
            is_lost = any(key in str(facts["caught"]) for key in self._world.storage.spoiled)
            if answer.status >= _FIRST_SERVER_ERROR and not (is_known or is_outage or is_lost):
                raise LawBrokenError(0, f"{method} {target}: {answer.status} {facts['caught']}", *parts)
            if token_sha256 is None or method != "GET" or (is_known and answer.status >= 300):
                return
            order, link = found or (None, None)
            opening = LinkOpening(
                token_sha256=token_sha256,
                target=file,
                status=answer.status,
                began_at=began_at,
                answered_at=self._world.scheduler.moment(),
                before=order,
                link=link,
                after=self._world.order(order.order_id) if order else None,
                content=None if is_smaller_picture else sha256_of(answer.body),
            )
            observed = Snapshot(
                openings=[opening],
                clock_tolerance=CLOCK_TOLERANCE,
                lost_objects=self._world.storage.spoiled,
            )
            check(observed, law(10))

        yield watch

    def open_every_link(self) -> None:
        """Law 10: at rest, every valid link opens all its files."""
        world = self._world
        for order in list(world.own_unit_of_work.pages.orders.values()):
            shown = [
                f"/{image.image_id}"
                for image in order.images.values()
                if image.results and world.storage.spoiled.isdisjoint(one.key for one in image.results)
            ]
            for link in filter(partial(self._is_valid, order), order.links.values()):
                token = world.token_signer.download_token(link.link_id)
                for file in ("", "/photos", "/archive", *shown):
                    status = self._status_of(f"{_DOWNLOAD}{token}{file}")
                    if status != _OK:
                        raise LawBrokenError(10, f"A good link brings {status} at rest.", order.order_id)

    def _status_of(self, target: str) -> int | None:
        """The answer's status, asked again after a crash."""
        for _ in range(_TRIES):
            answer = self._world.ask("whoever", "GET", target)
            if answer is not None:
                return answer.status
            self._world.scheduler.sleep(MINUTE)
        return None

    def _is_valid(self, order: Order, link: DownloadLink) -> bool:
        """Whether a link opens for the next hour."""
        lasts_until = link.expires_at - CLOCK_TOLERANCE - timedelta(hours=1)
        return keeps_photos(order) and not link.is_revoked and lasts_until > self._world.scheduler.moment()

    def _find(self, token_sha256: str) -> tuple[Order, DownloadLink] | None:
        return next(
            (
                (order, link)
                for order in self._world.own_unit_of_work.pages.orders.values()
                for link in order.links.values()
                if link.token_sha256 == token_sha256
            ),
            None,
        )
