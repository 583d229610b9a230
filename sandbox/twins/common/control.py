"""The control API /_twin: recorded state, faults, settings."""

from typing import Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post, put
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import Dependency

from sandbox.twins.common.fault_middleware import CONTROL_PREFIX
from sandbox.twins.common.faults import ArmedFault, Fault, UnknownActionError
from sandbox.twins.common.recorded_state import Json
from sandbox.twins.common.twin import Twin

#: Marks a handler's parameter as injected by the twin, without validation.
GIVEN = Dependency(skip_validation=True)


class Control(Controller):
    """The control handlers of every twin."""

    path = CONTROL_PREFIX

    @get("/health", sync_to_thread=False)
    def health(self, twin: Twin = GIVEN) -> Json:
        """Report that the twin is running."""
        return {"twin": twin.name, "status": "ok"}

    @get("/ledger", sync_to_thread=False)
    def ledger(self, twin: Twin = GIVEN) -> Json:
        """Return all recorded objects, requests, and webhooks with their attempts."""
        return twin.ledger.snapshot()

    @get("/faults", sync_to_thread=False)
    def faults(self, twin: Twin = GIVEN) -> list[ArmedFault]:
        """List the rules and how often each has fired."""
        return twin.faults.rules()

    @post("/faults", sync_to_thread=False)
    def arm(self, data: Fault, twin: Twin = GIVEN) -> ArmedFault:
        """Add a fault rule; 400 for an unsupported action."""
        try:
            return twin.faults.arm(data)
        except UnknownActionError as error:
            raise HTTPException(str(error), status_code=400) from error

    @delete("/faults/{rule_id:str}", sync_to_thread=False)
    def lift(self, rule_id: str, twin: Twin = GIVEN) -> None:
        """Remove a fault rule; 404 if unknown."""
        if not twin.faults.lift(rule_id):
            raise NotFoundException(f"There is no rule {rule_id}.")

    @delete("/faults", sync_to_thread=False)
    def clear(self, twin: Twin = GIVEN) -> None:
        """Remove all fault rules."""
        twin.faults.clear()

    @get("/settings", sync_to_thread=False)
    def settings(self, twin: Twin = GIVEN) -> Json:
        """Return the current settings."""
        return _plain(twin.settings.current)

    @put("/settings", sync_to_thread=False)
    def change(self, data: dict[str, Any], twin: Twin = GIVEN) -> Json:
        """Change the named settings; 400, changing nothing, for invalid names or values."""
        try:
            return _plain(twin.settings.change(data))
        except msgspec.ValidationError as error:
            raise HTTPException(str(error), status_code=400) from error

    @post("/webhooks/{event_id:str}/deliver", status_code=202, sync_to_thread=False)
    def deliver(self, event_id: str, twin: Twin = GIVEN) -> Json:
        """Deliver an event once more, now."""
        if not twin.webhooks.deliver_again(event_id):
            raise NotFoundException(f"There is no webhook of event {event_id}.")
        return {"event_id": event_id, "state": "pending"}


def answer_in_plain_json(_: Request[Any, Any, State], error: HTTPException) -> Response[Json]:
    """Answer errors of the control API, and unknown addresses."""
    return Response({"detail": error.detail, "extra": error.extra}, status_code=error.status_code)


def _plain(settings: msgspec.Struct) -> Json:
    return dict(msgspec.to_builtins(settings))
