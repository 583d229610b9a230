"""A twin's knobs, changed over HTTP while it runs and kept on its ledger."""

from typing import Any, Generic, TypeVar

import msgspec

from sandbox.twins.common.recorded_state import TwinState

#: The first retries are quick, because tests and visitors wait for them; then it grows.
QUICK_THEN_GROWING_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class TwinSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The knobs all twins have; each twin's own settings extend them."""

    #: How long after each failed attempt the next follows; after the last, the twin gives up.
    webhook_delays_seconds: tuple[float, ...] = QUICK_THEN_GROWING_SECONDS
    #: A receiver that has not answered by then has failed.
    webhook_timeout_seconds: float = 10.0


S = TypeVar("S", bound=TwinSettings)


class RuntimeOptions(Generic[S]):
    """The settings in force. What was changed survives a restart of the twin."""

    def __init__(self, ledger: TwinState, initial: S) -> None:
        self._ledger = ledger
        self.current: S = initial
        stored = ledger.get("settings", "current")
        if stored is not None:
            # A folder from an older version may hold a knob that is gone.
            self.change({name: value for name, value in stored.items() if hasattr(initial, name)})

    def change(self, changes: dict[str, Any]) -> S:
        """Change the named knobs and leave the others.

        Raises:
            msgspec.ValidationError: a knob that does not exist, or a value it cannot take; nothing changed.
        """
        before = msgspec.to_builtins(self.current)
        self.current = msgspec.convert(before | changes, type(self.current))
        stored = self._ledger.get("settings", "current") or {}
        self._ledger.put("settings", "current", stored | changes)
        return self.current
