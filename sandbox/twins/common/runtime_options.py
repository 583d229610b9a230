"""A twin's settings, changeable over HTTP and kept in its state."""

from typing import Any, Generic, TypeVar

import msgspec

from sandbox.twins.common.recorded_state import TwinState

#: The first retries are fast, because tests and visitors wait for them.
QUICK_THEN_GROWING_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class TwinSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The settings of all twins; each twin extends them."""

    #: Delays after failed attempts; after the last, the twin gives up.
    webhook_delays_seconds: tuple[float, ...] = QUICK_THEN_GROWING_SECONDS
    #: Time-out of an attempt.
    webhook_timeout_seconds: float = 10.0


S = TypeVar("S", bound=TwinSettings)


class RuntimeOptions(Generic[S]):
    """The current settings; changes survive a restart of the twin."""

    def __init__(self, ledger: TwinState, initial: S) -> None:
        self._ledger = ledger
        self.current: S = initial
        stored = ledger.get("settings", "current")
        if stored is not None:
            # A folder of an older version may contain a setting that no longer exists.
            self.change({name: value for name, value in stored.items() if hasattr(initial, name)})

    def change(self, changes: dict[str, Any]) -> S:
        """Change the named settings; raise msgspec.ValidationError, changing nothing, if invalid."""
        before = msgspec.to_builtins(self.current)
        self.current = msgspec.convert(before | changes, type(self.current))
        stored = self._ledger.get("settings", "current") or {}
        self._ledger.put("settings", "current", stored | changes)
        return self.current
