"""A one-photo order on real servers, with twins that answer at once."""

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from unittest.mock import patch

import psycopg

from benchmarks.cpu import Used
from benchmarks.goals import cpu, value
from benchmarks.limits.bare_order import BareOrder
from benchmarks.limits.inserts import Inserts, writing_transactions
from benchmarks.measure import Direction, Row, Sample
from benchmarks.visitors import Visitors, noisy_jpeg
from entrypoints.bootstrap.adapters import open_container
from entrypoints.settings import read_settings

SHOP = ("API", "worker", "PostgreSQL")


class OrderRow(Row):
    """Orders through the API, a worker and the twins."""

    unit = "ms"
    direction = Direction.LOWER
    rounds = 3
    needs_shop = True

    def open(self, resources: ExitStack) -> None:
        """Start the shop, and count the transactions of an order."""
        url = self.servers.database()
        api, worker = self.servers.start_api(resources, url), self.servers.start_worker(resources, url)
        self._visitors = Visitors(resources, self.servers.shop_url, self.servers.addresses, url)
        self._photo = noisy_jpeg(640, 480)
        self._number = self.size(20, 1)
        self._meter = self.servers.meter(
            {
                "API": [api.pid],
                "worker": [worker.pid],
                **{name: [self.servers.pid_of(name)] for name in ("Valkey", "SeaweedFS")},
            }
        )
        self._client_meter = self.servers.meter(with_client=True)
        self._database = resources.enter_context(psycopg.connect(url, autocommit=True))
        self._together(1)
        before = writing_transactions(self._database)
        self._together(1)
        inserts = writing_transactions(self._database) - before
        resources.enter_context(patch.dict(os.environ, self.servers.settings_of(url)))
        ports = resources.enter_context(open_container(read_settings())).ports
        self._bare = BareOrder(ports, Inserts(resources, url, 1), self._photo, inserts)

    def _together(self, number: int) -> None:
        """Have so many customers order, and wait until all have their photos."""
        visitors, wanted = self._visitors, self._visitors.completed() + number
        for _ in range(number):
            session = visitors.open_session()
            visitors.upload(session, self._photo)
            visitors.pay(visitors.payment_page(session))
        visitors.wait_for(wanted)


class OnePhotoOrder(OrderRow):
    """The CPU time of a whole order."""

    name = "one-photo-order"
    work = "one-photo order, instant restorer, CPU of API + worker + PostgreSQL"
    unit = "ms CPU"
    goals = (value("ms CPU", at_most=45), cpu("worker", 25))
    notes = (
        "From the upload of a JPEG of 640 x 480 to the result mail; orders follow one another without waiting. Limit: "
        "the same calls by the same adapters, one after the other, and an INSERT for each writing transaction of ours; "
        "no picture is decoded. Valkey and SeaweedFS are shown and not counted, the twins neither. No peer has a shop."
    )

    def ours(self) -> Sample:
        """Measure orders."""
        with self._meter.reading() as used:
            self._together(self._number)
        cpu_ms = used.ms_per(self._number)
        return Sample(value=sum(cpu_ms[name] for name in SHOP), cpu_ms=cpu_ms)

    def limit(self) -> Sample:
        """Measure bare orders."""
        with self._client_meter.reading() as used:
            for _ in range(self._number):
                self._bare.store_upload()
                self._bare.confirm()
                self._bare.fulfil()
        cpu_ms = used.ms_per(self._number)
        return Sample(value=sum(cpu_ms.values()), cpu_ms=cpu_ms)


class PaymentToMail(OrderRow):
    """The time from a payment to the result mail."""

    name = "payment-to-mail"
    work = "payment to mail handed over, idle"
    goals = (value("ms", at_most=60),)
    notes = (
        "From pressing the button on the twin's payment page to the moment at which the mail twin accepted the result; "
        "one order at a time. CPU: from the payment until the order is complete, without upload and checkout. Limit: "
        "the calls between payment and result mail, one after the other, and the INSERTs, as above; the confirmation "
        "is sent after the clock has stopped, and is in the CPU time alone."
    )

    def ours(self) -> Sample:
        """Measure one order after the other."""
        visitors, used, seconds = self._visitors, Used(), []
        for _ in range(self._number):
            session = visitors.open_session()
            visitors.upload(session, self._photo)
            page, wanted = visitors.payment_page(session), visitors.completed() + 1
            with self._meter.reading() as one:
                began = time.time()
                address = visitors.pay(page)
                visitors.wait_for(wanted)
            used.add(one)
            seconds.append(visitors.last_mail_at(address) - began)
        return self._sample(seconds, used, facts={"slowest ms": max(seconds) * 1000})

    def limit(self) -> Sample:
        """Measure the calls alone."""
        used, seconds = Used(), []
        for _ in range(self._number):
            self._bare.store_upload()
            with self._client_meter.reading() as one:
                began = time.time()
                self._bare.fulfil()
                seconds.append(time.time() - began)
                self._bare.confirm()
            used.add(one)
        return self._sample(seconds, used, facts={})

    def _sample(self, seconds: Sequence[float], used: Used, facts: Mapping[str, float]) -> Sample:
        cpu_ms = used.ms_per(len(seconds))
        return Sample(value=statistics.median(seconds) * 1000, cpu_ms=cpu_ms, facts=facts)
