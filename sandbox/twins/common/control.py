"""The doorway behind the scenes, /_twin: what the twin knows, and how it shall behave."""

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

#: A handler's parameter that the twin fills, not the request: no validation, it is what it is.
GIVEN = Dependency(skip_validation=True)


class Control(Controller):
    """The handlers that every twin has in common."""

    path = CONTROL_PREFIX

    @get("/health", sync_to_thread=False)
    def health(self, twin: Twin = GIVEN) -> Json:
        """Say that the twin is there."""
        return {"twin": twin.name, "status": "ok"}

    @get("/ledger", sync_to_thread=False)
    def ledger(self, twin: Twin = GIVEN) -> Json:
        """Tell everything: objects, requests, webhooks with their attempts."""
        return twin.ledger.snapshot()

    @get("/faults", sync_to_thread=False)
    def faults(self, twin: Twin = GIVEN) -> list[ArmedFault]:
        """List the rules and how often each has fired."""
        return twin.faults.rules()

    @post("/faults", sync_to_thread=False)
    def arm(self, data: Fault, twin: Twin = GIVEN) -> ArmedFault:
        """Accept a rule; 400 when this twin cannot do what it asks."""
        try:
            return twin.faults.arm(data)
        except UnknownActionError as error:
            raise HTTPException(str(error), status_code=400) from error

    @delete("/faults/{rule_id:str}", sync_to_thread=False)
    def lift(self, rule_id: str, twin: Twin = GIVEN) -> None:
        """Behave again as far as one rule goes; 404 when there is none."""
        if not twin.faults.lift(rule_id):
            raise NotFoundException(f"There is no rule {rule_id}.")

    @delete("/faults", sync_to_thread=False)
    def clear(self, twin: Twin = GIVEN) -> None:
        """Behave again."""
        twin.faults.clear()

    @get("/settings", sync_to_thread=False)
    def settings(self, twin: Twin = GIVEN) -> Json:
        """Show the knobs."""
        return _plain(twin.settings.current)

    @put("/settings", sync_to_thread=False)
    def change(self, data: dict[str, Any], twin: Twin = GIVEN) -> Json:
        """Turn the knobs that are named; 400, and nothing changed, when there is no such knob or value."""
        try:
            return _plain(twin.settings.change(data))
        except msgspec.ValidationError as error:
            raise HTTPException(str(error), status_code=400) from error

    @post("/webhooks/{event_id:str}/deliver", status_code=202, sync_to_thread=False)
    def deliver(self, event_id: str, twin: Twin = GIVEN) -> Json:
        """Send an event once more, now."""
        if not twin.webhooks.deliver_again(event_id):
            raise NotFoundException(f"No webhook was ever made of {event_id}.")
        return {"event_id": event_id, "state": "pending"}


def answer_in_plain_json(_: Request[Any, Any, State], error: HTTPException) -> Response[Json]:
    """Say what was wrong with a request to the control doorway, or that there is no such address."""
    return Response({"detail": error.detail, "extra": error.extra}, status_code=error.status_code)


def _plain(settings: msgspec.Struct) -> Json:
    return dict(msgspec.to_builtins(settings))
