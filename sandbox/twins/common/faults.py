"""Misbehaviour on order: rules that say on what, what to do, and how often."""

import itertools
import threading
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any

import msgspec

#: What can go wrong with a request.
REQUEST_DEEDS = frozenset({"refuse", "status", "hang", "lose_reply"})
#: What can go wrong with a webhook.
WEBHOOK_DEEDS = frozenset({"twice", "late", "out_of_order", "never"})


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An order to misbehave."""

    #: "POST /v1/refunds" or "webhook:charge.refunded"; `*` stands for anything.
    on: str
    #: One of the deeds.
    do: str
    #: How often; null means until the rules are cleared.
    times: int | None = 1
    #: For `status`: the answer. Without a body, the provider's own error shape.
    status: int = 500
    body: Any = None
    headers: dict[str, str] = {}
    #: For `status`: whether the endpoint itself failed, so that a provider with idempotency keys keeps and
    #: replays the answer. Otherwise something in front of it did, and the same key may try again.
    saved: bool = False
    #: For `hang` and `late`: how long. For `out_of_order`: the longest wait for a next webhook.
    seconds: float = 30.0
    #: What a provider's own deeds need to know.
    options: dict[str, Any] = {}


class ArmedFault(Fault, kw_only=True):
    """An order that was accepted, with the number of times it was carried out."""

    id: str
    fired: int = 0

    @property
    def used_up(self) -> bool:
        """Whether it has fired as often as it should."""
        return self.times is not None and self.fired >= self.times


class UnknownActionError(Exception):
    """The rule asks for something this twin cannot do."""

    def __init__(self, deed: str, known: Collection[str]) -> None:
        super().__init__(f"This twin cannot {deed!r}; it knows: {', '.join(sorted(known))}.")


class FaultRules:
    """The rules in force, oldest first. They live as long as the process: a restarted twin behaves."""

    def __init__(self, provider_deeds: Collection[str] = ()) -> None:
        self._deeds = REQUEST_DEEDS | WEBHOOK_DEEDS | set(provider_deeds)
        self._rules: list[ArmedFault] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def arm(self, fault: Fault) -> ArmedFault:
        """Accept a rule.

        Raises:
            UnknownActionError: no such deed.
        """
        if fault.do not in self._deeds:
            raise UnknownActionError(fault.do, self._deeds)
        with self._lock:
            armed = ArmedFault(id=f"fault_{next(self._numbers)}", **msgspec.structs.asdict(fault))
            self._rules.append(armed)
            return armed

    def take(self, subject: str, deeds: Collection[str]) -> ArmedFault | None:
        """Return the oldest rule for the subject that asks for one of the deeds, and count it as fired."""
        with self._lock:
            for rule in self._rules:
                if rule.do in deeds and not rule.used_up and fnmatchcase(subject, rule.on):
                    rule.fired += 1
                    return rule
        return None

    def rules(self) -> list[ArmedFault]:
        """Return all rules since the last clearing, used up or not."""
        with self._lock:
            return list(self._rules)

    def lift(self, rule_id: str) -> bool:
        """Forget one rule; False when there is none of this id."""
        with self._lock:
            before = len(self._rules)
            self._rules = [rule for rule in self._rules if rule.id != rule_id]
            return len(self._rules) < before

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._rules.clear()
