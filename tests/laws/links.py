"""Laws 10 and 12: download links and forged input."""

from collections.abc import Iterator, Mapping

from domain.order.values import Sha256
from domain.signed_tokens import sha256_of
from tests.laws.snapshot import Fetched, LinkOpening, Snapshot, Violation, keeps_photos, violation

_OK, _REDIRECT, _CLIENT_ERROR, _SERVER_ERROR = 200, 300, 400, 500
_NOT_FOUND = {404, 410}


def links_open_their_own_order(snapshot: Snapshot) -> Iterator[Violation]:
    """Require that links open their own order and no token is stored."""
    for order in snapshot.orders.values():
        newest = order.newest_link
        if newest is not None and newest.is_revoked:
            yield violation(10, "The link that would be sent is revoked.", order.order_id)
        if newest is None and order.is_deliverable and not order.disputes:
            yield violation(10, "An order that can be fetched has no link.", order.order_id)
    for opening in snapshot.openings:
        for sentence in _opened(opening, snapshot):
            about = [opening.before.order_id] if opening.before else []
            yield violation(10, sentence, *about)
    owners = {
        link.token_sha256: str(order.order_id)
        for order in snapshot.orders.values()
        for link in order.links.values()
    }
    for mail in snapshot.mails or ():
        if snapshot.streams and mail.token and owners.get(sha256_of(mail.token)) != mail.order_id:
            sentence = "A mail brings a link that is not its order's."
            yield violation(10, sentence, mail.order_id, mail.email_id)
    for fetched in snapshot.fetched:
        yield from _fetched(fetched, snapshot, owners)
    for token in snapshot.tokens & snapshot.stored_words:
        yield violation(10, f"The token with the hash {sha256_of(token)} is stored as it is.")


def _opened(opening: LinkOpening, snapshot: Snapshot) -> Iterator[str]:
    """What is wrong with how a link was answered."""
    before, link, after = opening.before, opening.link, opening.after
    if opening.must_open and opening.status != _OK:
        yield f"A good link brings {opening.status} at rest."
    if before is None or link is None or after is None:
        if opening.status < _REDIRECT:
            yield "A token that was never issued opened something."
        return
    images = {str(image_id): image for image_id, image in before.images.items()}
    results = images[opening.target].results if opening.target in images else ()
    if any(result.key in snapshot.lost_objects for result in results):
        return
    is_own = opening.target in {"archive", "photos", *images}
    tolerance = snapshot.clock_tolerance
    if opening.status < _REDIRECT:
        if link.is_revoked or link.expires_at + tolerance < opening.began_at:
            yield "A link opened that was revoked or had run out."
        expected = {
            "archive": {link.archive.sha256},
            **{name: {result.sha256 for result in image.results} for name, image in images.items()},
        }
        is_file = opening.content is not None and opening.target != "photos"
        if is_file and opening.content not in expected.get(opening.target, ()):
            yield "A link opened what is not its order's."
        return
    if not is_own and snapshot.is_at_rest and opening.status not in _NOT_FOUND:
        yield f"Another's photo was answered with {opening.status}."
    is_valid = not link.is_revoked and link.expires_at - tolerance > opening.answered_at
    still_valid = keeps_photos(after) and not after.links[link.link_id].is_revoked
    is_restored = opening.target == "archive" or all(image.results for image in images.values())
    is_refused = _CLIENT_ERROR <= opening.status < _SERVER_ERROR
    if is_refused and is_own and is_valid and still_valid and is_restored:
        yield f"A good link was refused with {opening.status}."


def _fetched(fetched: Fetched, snapshot: Snapshot, owners: Mapping[Sha256, str]) -> Iterator[Violation]:
    if owners.get(fetched.token_sha256) != fetched.order_id:
        yield violation(10, f"{fetched.who} was sent a link that is not their order's.", fetched.order_id)
        return
    order = next(one for one in snapshot.orders.values() if str(one.order_id) == fetched.order_id)
    restored = [str(image.restored.sha256) for image in order.restored_images if image.restored]
    if sorted(fetched.pictures) != sorted(restored):
        sentence = f"{fetched.who} got other pictures than were restored."
        yield violation(10, sentence, fetched.order_id)


def forgeries_change_nothing(snapshot: Snapshot) -> Iterator[Violation]:
    """Each was refused, and left no trace."""
    for forgery in snapshot.forgeries:
        if forgery.led_to_commit:
            yield violation(12, f"{forgery.what} led to a commit.")
        if forgery.status is not None and not _CLIENT_ERROR <= forgery.status < _SERVER_ERROR:
            yield violation(12, f"{forgery.what} was answered with {forgery.status}.")
    if snapshot.forged_word is not None:
        for word in snapshot.stored_words:
            if snapshot.forged_word in word:
                yield violation(12, f"{word} is stored, which only a forger has ever said.")
