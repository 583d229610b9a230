"""Fault rules: what they match, what they do, and how often."""

import itertools
import threading
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any

import msgspec

#: Faults of requests.
REQUEST_ACTIONS = frozenset({"refuse", "status", "hang", "lose_reply"})
#: Faults of webhooks.
WEBHOOK_ACTIONS = frozenset({"twice", "late", "out_of_order", "never"})


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request for misbehaviour."""

    #: "POST /v1/refunds" or "webhook:charge.refunded"; `*` is a wildcard.
    on: str
    #: One of the actions.
    do: str
    #: How often; null: until the rules are cleared.
    times: int | None = 1
    #: For `status`: the answer. Without a body, the provider's own error format.
    status: int = 500
    body: Any = None
    headers: dict[str, str] = {}
    #: For `status`: whether the endpoint itself failed, so that a provider with idempotency keys stores and replays
    #: the answer. Otherwise a proxy failed, and the same key may be retried.
    saved: bool = False
    #: For `hang` and `late`: how long. For `out_of_order`: the longest wait for a next webhook.
    seconds: float = 30.0
    #: Options of provider-specific actions.
    options: dict[str, Any] = {}


class ArmedFault(Fault, kw_only=True):
    """An accepted rule, with the number of times it has fired."""

    id: str
    fired: int = 0

    @property
    def used_up(self) -> bool:
        """Whether it has fired as often as it should."""
        return self.times is not None and self.fired >= self.times


class UnknownActionError(Exception):
    """The rule's action is not supported by this twin."""

    def __init__(self, action: str, known: Collection[str]) -> None:
        super().__init__(f"This twin cannot {action!r}; it knows: {', '.join(sorted(known))}.")


class FaultRules:
    """The current rules, oldest first, in memory only."""

    def __init__(self, provider_actions: Collection[str] = ()) -> None:
        self._actions = REQUEST_ACTIONS | WEBHOOK_ACTIONS | set(provider_actions)
        self._rules: list[ArmedFault] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def arm(self, fault: Fault) -> ArmedFault:
        """Add a rule; raise UnknownActionError for an unsupported action."""
        if fault.do not in self._actions:
            raise UnknownActionError(fault.do, self._actions)
        with self._lock:
            armed = ArmedFault(id=f"fault_{next(self._numbers)}", **msgspec.structs.asdict(fault))
            self._rules.append(armed)
            return armed

    def take(self, subject: str, actions: Collection[str]) -> ArmedFault | None:
        """Return and count the oldest matching rule with one of the actions."""
        with self._lock:
            for rule in self._rules:
                if rule.do in actions and not rule.used_up and fnmatchcase(subject, rule.on):
                    rule.fired += 1
                    return rule
        return None

    def rules(self) -> list[ArmedFault]:
        """Return all rules since the last clearing, used up or not."""
        with self._lock:
            return list(self._rules)

    def lift(self, rule_id: str) -> bool:
        """Remove a rule; return False if unknown."""
        with self._lock:
            before = len(self._rules)
            self._rules = [rule for rule in self._rules if rule.id != rule_id]
            return len(self._rules) < before

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()
