"""Email Activity: messages by the few queries that a shop needs."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.twins.common import Json

HIGHEST_LIMIT = 1000
#: SendGrid's status by event.
_STATUSES = {"delivered": "delivered", "bounce": "not_delivered", "dropped": "not_delivered"}
_BETWEEN = re.compile(r'last_event_time BETWEEN TIMESTAMP "([^"]+)" AND TIMESTAMP "([^"]+)"')
_UNIQUE_ARG = re.compile(r"\(?unique_args\['([^']+)'\]\s*=\s*\"([^\"]*)\"\)?")


class QueryError(Exception):
    """An unsupported query or limit."""


def listed(mails: list[Json], query: str, limit: str) -> Json:
    """Return the matching messages, newest first, one per recipient."""
    if not limit.isdecimal() or not 1 <= int(limit) <= HIGHEST_LIMIT:
        raise QueryError(f"limit must be between 1 and {HIGHEST_LIMIT}")
    fits = _condition(query)
    messages = [
        _message(mail, recipient["email"])
        for mail in reversed(mails)
        if fits(mail)
        for recipient in mail["to"]
    ]
    return {"messages": messages[: int(limit)]}


def _condition(query: str) -> Callable[[Json], bool]:
    if not query:
        return lambda _: True
    if span := _BETWEEN.fullmatch(query):
        try:
            start, end = (datetime.fromisoformat(moment).timestamp() for moment in span.groups())
        except ValueError as error:
            raise QueryError("a timestamp is malformed") from error
        return lambda mail: start <= int(mail["at"]) <= end
    if named := _UNIQUE_ARG.fullmatch(query):
        name, value = named.groups()
        return lambda mail: mail["custom_args"].get(name) == value
    raise QueryError("invalid query")


def _message(mail: Json, recipient: str) -> Json:
    return {
        "from_email": mail["from"]["email"],
        "msg_id": mail["sg_message_id"],
        "subject": mail["subject"],
        "to_email": recipient,
        "status": _STATUSES[mail["outcomes"][recipient]],
        "opens_count": 0,
        "clicks_count": 0,
        "last_event_time": datetime.fromtimestamp(int(mail["at"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
