"""What must hold of every answer that a customer, a provider or a forger gets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from domain.order.order import DownloadLink, Order
from domain.order.states import State
from domain.order.values import Sha256
from domain.signed_tokens import sha256_of
from tests.simulation.laws.continuous import DISAGREEMENT
from tests.simulation.laws.errors import LawBrokenError
from tests.simulation.requests import Answer
from tests.simulation.scheduler import MINUTE

if TYPE_CHECKING:
    from tests.simulation.world import World

_OK, _FIRST_SERVER_ERROR = 200, 500
_TRIES = 3


class Answers:
    """Watches what the shop says to whoever asks it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.requested: set[tuple[str, Sha256, str]] = (
            set()
        )  # method, hash of the token, and what of the link

    @contextmanager
    def watching(self, method: str, target: str) -> Iterator[Callable[[Answer], None]]:
        """Law 10, of a request that opens a link; and no answer is a surprise."""
        parts = target.partition("?")[0].split("/")
        is_opening = method == "GET" and target.startswith("/api/download/")
        fingerprint = sha256_of(parts[3]) if is_opening else None
        found = self._link(fingerprint) if fingerprint else None
        if target.startswith("/api/download/"):
            what = parts[4] if len(parts) > 4 else "archive"
            self.requested.add((method, sha256_of(parts[3]), what))
        now = self._world.scheduler.moment()
        facts = self._world.scheduler.current.facts
        facts["caught"] = ""
        was_quiet = self._world.quiet_from is not None and self._world.scheduler.now >= self._world.quiet_from

        def watch(answer: Answer) -> None:
            is_known = "UnknownEventError" in str(facts["caught"]) and not self._world.api.knows_new_events
            # A provider is told to come again, too, when word of something else has to come before.
            may_come_again = not was_quiet or target.startswith("/api/webhooks/")
            is_outage = answer.status > _FIRST_SERVER_ERROR and may_come_again
            if answer.status >= _FIRST_SERVER_ERROR and not is_known and not is_outage:
                raise LawBrokenError(0, f"{method} {target}: {answer.status} {facts['caught']}", *parts)
            if is_opening and found and not is_known and 400 <= answer.status < _FIRST_SERVER_ERROR:
                self._check_refused(*found, parts, answer)
            if is_opening and answer.status < 300:
                self._check_opened(found, now, parts, answer)

        yield watch

    def open_every_link(self) -> None:
        """Law 10: at rest, whatever a good link promises is there."""
        world = self._world
        for order in list(world.own_unit_of_work.pages.orders.values()):
            shown = [f"/{image.image_id}" for image in order.images.values() if image.results]
            for link in filter(partial(self._is_good, order), order.links.values()):
                token = world.token_signer.download_token(link.link_id)
                for what in ("", "/photos", "/archive", *shown):
                    status = self._fetched(f"/api/download/{token}{what}")
                    if status != _OK:
                        raise LawBrokenError(10, f"A good link brings {status} at rest.", order.order_id)

    def _fetched(self, target: str) -> int | None:
        """What the shop answers; an API that a planned crash has just ended is asked again."""
        for _ in range(_TRIES):
            answer = self._world.ask("whoever", "GET", target)
            if answer is not None:
                return answer.status
            self._world.scheduler.sleep(MINUTE)
        return None

    def _is_good(self, order: Order, link: DownloadLink) -> bool:
        """Whether a link opens what it is for, for a good while to come."""
        is_kept = not (order.photos_are_purged or order.state is State.ERASED)
        lasts_until = link.expires_at - DISAGREEMENT - timedelta(hours=1)
        return is_kept and not link.is_revoked and lasts_until > self._world.scheduler.moment()

    def _link(self, fingerprint: str) -> tuple[Order, DownloadLink] | None:
        return next(
            (
                (order, link)
                for order in self._world.own_unit_of_work.pages.orders.values()
                for link in order.links.values()
                if link.token_sha256 == fingerprint
            ),
            None,
        )

    def _check_refused(self, order: Order, link: DownloadLink, parts: list[str], answer: Answer) -> None:
        """A link that is good all the while opens its own order's archive and photos."""
        now = self._world.scheduler.moment()
        is_own = len(parts) == 4 or parts[4] in {"photos", "archive"} or parts[4] in map(str, order.images)
        is_good = not link.is_revoked and link.expires_at - DISAGREEMENT > now
        newest = self._world.order(order.order_id)
        is_kept = not (newest.photos_are_purged or newest.state is State.ERASED)
        is_restored = (
            len(parts) == 4 or parts[4] == "archive" or all(image.results for image in order.images.values())
        )
        if is_own and is_good and is_kept and is_restored and not newest.links[link.link_id].is_revoked:
            raise LawBrokenError(10, f"A good link was refused with {answer.status}.", order.order_id)

    def _check_opened(
        self, found: tuple[Order, DownloadLink] | None, now: Any, parts: list[str], answer: Answer
    ) -> None:
        if found is None:
            raise LawBrokenError(10, "A token that nobody was given opened something.")
        order, link = found
        if link.is_revoked or link.expires_at + DISAGREEMENT < now:
            raise LawBrokenError(10, "A link opened that was revoked or had run out.", order.order_id)
        if len(parts) == 4 or parts[4] == "archive":
            expected = {link.archive.sha256}
        elif parts[4] == "photos":
            return
        else:
            image = next((one for key, one in order.images.items() if str(key) == parts[4]), None)
            expected = {result.sha256 for result in image.results} if image is not None else set()
        if sha256_of(answer.body) not in expected:
            raise LawBrokenError(10, "A link opened what is not its order's.", order.order_id)
