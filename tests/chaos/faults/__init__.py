"""All faults of a run, in tracks.

Within one track, a fault begins when the one before has ended.
"""

from collections.abc import Mapping

from tests.chaos.faults.archive import finished_orders_archived
from tests.chaos.faults.processes import killed, stopped, stopped_past_its_lease
from tests.chaos.faults.providers import misbehaving, refused_photos
from tests.chaos.faults.servers import connections_cut, database_shut_down_at_once, queue_emptied
from tests.chaos.faults.strike import Fault, MissedError, Strike
from tests.chaos.schedule import Track

__all__ = ["FAULTS", "TRACKS", "Fault", "MissedError", "Strike"]

#: The time within which a supervisor detects that a process is gone.
_NOTICED_SECONDS = 0.5
_OUTAGE_SECONDS = 5.0

#: Faults on the shop's own machine. A sweeper is a part of its worker and cannot be killed alone: with both
#: workers gone there is none.
HOUSE = (
    Fault(name="kill the API", to="API", do=killed("The API"), lasts_seconds=_NOTICED_SECONDS),
    Fault(name="kill a worker", to="worker", do=killed("The worker"), lasts_seconds=_NOTICED_SECONDS),
    Fault(
        name="kill both workers",
        to="workers, sweepers",
        do=killed("The worker", "Worker 2"),
        lasts_seconds=_NOTICED_SECONDS,
    ),
    Fault(name="stop a worker past its lease", to="worker", do=stopped_past_its_lease("Worker 2")),
    Fault(name="shut the database down at once", to="PostgreSQL", do=database_shut_down_at_once),
    Fault(name="cut the connections", to="PostgreSQL", do=connections_cut),
    Fault(name="FLUSHALL", to="Valkey", do=queue_emptied),
    Fault(name="kill Valkey", to="Valkey", do=killed("Valkey"), lasts_seconds=2.0),
    Fault(name="take the storage away", to="S3", do=killed("SeaweedFS"), lasts_seconds=_OUTAGE_SECONDS),
    Fault(name="let the storage hang", to="S3", do=stopped("SeaweedFS"), lasts_seconds=_OUTAGE_SECONDS),
)

#: Faults at the providers. Hanging for longer than the shop waits is a lost reply by time-out.
PROVIDERS = (
    Fault(
        name="Stripe refuses",
        to="Stripe",
        do=misbehaving("stripe", {"on": "POST /v1/*", "do": "refuse", "times": 10}),
    ),
    Fault(
        name="Stripe hangs",
        to="Stripe",
        do=misbehaving("stripe", {"on": "POST /v1/*", "do": "hang", "seconds": 4, "times": 6}),
    ),
    Fault(
        name="Stripe loses replies",
        to="Stripe",
        do=misbehaving("stripe", {"on": "POST /v1/checkout/sessions", "do": "lose_reply", "times": 6}),
    ),
    Fault(
        name="Stripe reports twice",
        to="Stripe",
        do=misbehaving("stripe", {"on": "webhook:checkout.session.completed", "do": "twice", "times": 8}),
    ),
    Fault(
        name="Stripe reports late",
        to="Stripe",
        do=misbehaving("stripe", {"on": "webhook:*", "do": "late", "seconds": 4, "times": 6}),
    ),
    Fault(
        name="Stripe reports out of order",
        to="Stripe",
        do=misbehaving("stripe", {"on": "webhook:*", "do": "out_of_order", "seconds": 3, "times": 6}),
    ),
    Fault(
        name="Replicate refuses",
        to="Replicate",
        do=misbehaving("replicate", {"on": "POST /v1/*", "do": "refuse", "times": 10}),
    ),
    Fault(
        name="Replicate hangs",
        to="Replicate",
        do=misbehaving("replicate", {"on": "POST /v1/*", "do": "hang", "seconds": 4, "times": 6}),
    ),
    Fault(
        name="Replicate loses replies",
        to="Replicate",
        do=misbehaving("replicate", {"on": "POST /v1/*predictions", "do": "lose_reply", "times": 6}),
    ),
    Fault(
        name="Replicate never reports",
        to="Replicate",
        do=misbehaving("replicate", {"on": "webhook:completed", "do": "never", "times": 6}),
    ),
    Fault(
        name="SendGrid refuses",
        to="SendGrid",
        do=misbehaving("sendgrid", {"on": "POST /v3/mail/send", "do": "refuse", "times": 10}),
    ),
    Fault(
        name="SendGrid hangs",
        to="SendGrid",
        do=misbehaving("sendgrid", {"on": "POST /v3/mail/send", "do": "hang", "seconds": 17, "times": 3}),
    ),
    Fault(
        name="SendGrid loses replies",
        to="SendGrid",
        do=misbehaving("sendgrid", {"on": "POST /v3/mail/send", "do": "lose_reply", "times": 6}),
    ),
)

#: Faults of refunds. For each of these, both models first refuse some photos.
MONEY = (
    Fault(
        name="Stripe refuses refunds",
        to="Stripe",
        do=misbehaving(
            "stripe",
            {"on": "POST /v1/refunds", "do": "status", "status": 503, "times": 2},
            meanwhile=refused_photos(6),
        ),
    ),
    Fault(
        name="Stripe hangs over refunds",
        to="Stripe",
        do=misbehaving(
            "stripe",
            {"on": "POST /v1/refunds", "do": "hang", "seconds": 4, "times": 2},
            meanwhile=refused_photos(6),
        ),
    ),
    Fault(
        name="Stripe loses replies to refunds",
        to="Stripe",
        do=misbehaving(
            "stripe",
            {"on": "POST /v1/refunds", "do": "lose_reply", "times": 2},
            meanwhile=refused_photos(6),
        ),
    ),
)

#: What the shop's owner does meanwhile. An order that a mail's report, a refund or a visitor comes to comes back.
UPKEEP = (
    Fault(name="archive finished orders", to="PostgreSQL", do=finished_orders_archived, lasts_seconds=5.0),
)

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in (*HOUSE, *PROVIDERS, *MONEY, *UPKEEP)}
#: Concurrent, so that a fault on the shop's own machine coincides with one at a provider. In two minutes each
#: kind occurs once.
TRACKS = (
    Track(faults=tuple(fault.name for fault in HOUSE), pace_seconds=10.5),
    Track(faults=tuple(fault.name for fault in PROVIDERS), pace_seconds=8.0),
    Track(faults=tuple(fault.name for fault in MONEY), pace_seconds=35.0),
    Track(faults=tuple(fault.name for fault in UPKEEP), pace_seconds=15.0),
)
