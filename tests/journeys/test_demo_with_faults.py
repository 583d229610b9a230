"""The demo with faults reports faults that missed and unpromised ends."""

from pathlib import Path

import pytest

from sandbox.demo.customer_journey import CustomerJourney
from sandbox.demo.final_report import FinalReport, WrongEndError
from sandbox.demo.http_customer import Json
from sandbox.demo.progress_display import ProgressDisplay, screen
from sandbox.demo.provider_faults import FaultPlan, ProviderFault, SilentTwinError, TwinControl
from tests.adapters.support.provider_accounts import STRIPE_SECRET_KEY
from tests.journeys.running_shop import RunningShop
from tests.sandbox.processes import TwinProcess
from tests.waiting import eventually

OUTAGE = ProviderFault(
    twin="stripe",
    rule={"on": "GET /v1/events", "do": "status", "status": 503, "times": None},
    sentence="Stripe is away.",
    answer="It is asked again.",
    outage_of="Stripe",
)
LOST = ProviderFault(
    twin="stripe",
    rule={"on": "webhook:*", "do": "never"},
    sentence="A webhook is lost.",
    answer="The records are compared.",
)


class Silence:
    """A listener that ignores everything."""

    def hear(self, order: Json, known: int) -> None:
        """Ignore the progress."""


@pytest.mark.slow
def test_an_outage_is_announced_lifted_and_counted_and_a_fault_that_never_came_is_reported(
    stripe: TwinProcess,
) -> None:
    def ask() -> int:
        return stripe.http.get("/v1/events", auth=(STRIPE_SECRET_KEY, "")).status_code

    with TwinControl({"stripe": stripe.url}) as twin_control:
        fault_plan = FaultPlan(twin_control, faults=(OUTAGE, LOST), outage_seconds=0.05)
        fault_plan.begin()
        assert list(fault_plan.news()) == []
        assert [ask() for _ in range(2)] == [503, 503]
        assert list(fault_plan.news()) == ["Stripe is away. It is asked again."]
        assert fault_plan.missed == ["Stripe is away.", "A webhook is lost."]
        (back,) = eventually(lambda: list(fault_plan.news()), "the end of the outage")
        assert back.startswith("Stripe is back after 0.")
        assert back.endswith("; it had turned away 2 requests.")
        assert fault_plan.missed == ["A webhook is lost."]
        assert ask() == 200


def test_a_twin_that_accepts_no_fault_is_named(stripe: TwinProcess) -> None:
    with (
        TwinControl({"stripe": stripe.url}) as twin_control,
        pytest.raises(SilentTwinError, match="the stripe twin"),
    ):
        twin_control.arm("stripe", {"on": "GET /v1/events", "do": "sing"})


@pytest.mark.slow
def test_an_order_on_which_nothing_went_wrong_is_no_end_of_the_story_of_trouble(
    running_shop: RunningShop, photo: Path
) -> None:
    shop, console = running_shop.shop, screen()
    visit = CustomerJourney(
        shop=shop, customer=running_shop.customer(), board=ProgressDisplay(console), narrator=Silence()
    )
    visit.order([photo])
    with TwinControl(shop.addresses) as twin_control:
        report = FinalReport(visit=visit, twin_control=twin_control, console=console)
        with pytest.raises(WrongEndError, match="the mails on record are confirmation and result"):
            report.show([photo])
