"""The network between clients and the shop, which loses requests and answers.

Clients are customers, providers, staff and forgers.
"""

from tests.laws.snapshot import Forgery, Snapshot
from tests.simulation.fault_hooks import FaultHooks
from tests.simulation.faults import Fault, Faults
from tests.simulation.keyed_random import KeyedRandom
from tests.simulation.laws import LinkRequests
from tests.simulation.laws.errors import check, law
from tests.simulation.requests import Answer, Server
from tests.simulation.scheduler import SECOND, Crashed, Process, Scheduler
from tests.simulation.trace import Trace


class Network:
    """Sends requests to the shop's API in its present state."""

    scheduler: Scheduler
    chance: KeyedRandom
    trace: Trace
    faults: Faults
    link_requests: LinkRequests
    trouble: FaultHooks
    api: Process
    outside: Process
    server: Server

    def ask(
        self,
        client: str,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer | None:
        """Send a request to the shop; return none if no answer arrives.

        The shop may have handled the request all the same.
        """
        about = f"{client} {method} {target.partition('?')[0]}"
        struck = self.faults.at("request", about)
        self.scheduler.sleep(20_000)
        if Fault.DELAY in struck:
            self.trouble.note(struck, Fault.DELAY)
            self.scheduler.sleep(int(self.chance.between(f"late {struck.name}", 1, 40) * SECOND))
        is_lost = Fault.LOST in struck
        if is_lost:
            self.trouble.note(struck, Fault.LOST)
            if self.chance.at(f"half {struck.name}") < 0.5:
                return None  # the request never arrived; otherwise its answer is lost
        if Fault.DUPLICATE in struck:
            self.trouble.note(struck, Fault.DUPLICATE)
            # A double click: both requests are on their way at the same time.
            twin = self.scheduler.spawn(
                f"{struck.name} (twin)",
                lambda: self._twin(about, method, target, body, headers or {}),
                self.outside,
            )
            twin.facts = dict(self.scheduler.current.facts)
        answer = self._answer(about, method, target, body, headers or {})
        return None if is_lost else answer

    def _twin(self, about: str, method: str, target: str, body: bytes, headers: dict[str, str]) -> None:
        self._answer(f"{about} (twin)", method, target, body, headers)

    def _answer(
        self, about: str, method: str, target: str, body: bytes, headers: dict[str, str]
    ) -> Answer | None:
        if self.scheduler.now < self.api.up_at:
            return None
        task = self.scheduler.current
        task.facts["about"] = about
        request_id = self.chance.uuid(self.chance.numbered(f"request {about}"))
        try:
            with self.scheduler.inside(self.api), self.link_requests.watching(method, target) as watch:
                answer = self.server.ask(
                    self.scheduler,
                    self.api,
                    method,
                    target,
                    body=body,
                    headers={**headers, "x-request-id": str(request_id)},
                )
                if not answer.is_whole:
                    self.trace.note("gets half an answer", about)
                    return None
                watch(answer)
        except Crashed:
            if task.is_dead:
                raise
            self.trace.note("loses the connection", about)
            return None
        finally:
            task.facts["about"] = ""
        self.trace.note(
            f"{answer.status} for {method}",
            target if answer.status < 500 else f"{target} {answer.body[:200]!r}",
        )
        return answer

    def check_refused(self, path: str, answer: Answer | None) -> None:
        """Check law 12: a forgery is refused."""
        if answer is not None and answer.status < 500:
            forgery = Forgery(what=f"A forged message to {path}", status=answer.status)
            check(Snapshot(forgeries=[forgery]), law(12))
