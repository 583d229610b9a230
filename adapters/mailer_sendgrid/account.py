"""What a SendGrid account is set up for, read by its operator."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from adapters.mailer_sendgrid.api import PROVIDER, SendGridMailer, translated
from domain.ports.errors import UnreadableAnswerError

T = TypeVar("T")

#: The settings that select the events that decide an e-mail's status.
REQUIRED_EVENTS = ("delivered", "bounce", "dropped", "deferred", "processed", "spam_report", "unsubscribe")


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """An alias that an authenticated domain needs."""

    host: str
    target: str


@dataclass(frozen=True, kw_only=True)
class SenderDomain:
    """An authenticated domain with its return path and signing keys."""

    domain: str
    is_valid: bool
    return_path: DnsRecord | None
    signing_keys: Sequence[DnsRecord]


@dataclass(frozen=True, kw_only=True)
class EventWebhook:
    """An event webhook; ``public_key`` is empty while it is not signed."""

    url: str
    is_enabled: bool
    missing_events: Sequence[str]
    public_key: str


class _Scopes(msgspec.Struct):
    scopes: list[str]


class _Sender(msgspec.Struct):
    from_email: str
    verified: bool = False


class _Senders(msgspec.Struct):
    results: list[_Sender]


class _Record(msgspec.Struct):
    host: str
    data: str


class _Domain(msgspec.Struct):
    domain: str
    valid: bool = False
    dns: dict[str, _Record] = {}


class _Webhooks(msgspec.Struct):
    webhooks: list[dict[str, Any]]


class SendGridAccount:
    """Reads the account of a mailer's key."""

    def __init__(self, mailer: SendGridMailer) -> None:
        self._client = mailer.sdk.client

    def scopes(self) -> Collection[str]:
        """What the key may do; raises AccountRefusedError for a wrong one."""
        return self._ask(self._client.scopes, _Scopes).scopes

    def verified_senders(self) -> Collection[str]:
        """The addresses of single senders that are verified."""
        senders = self._ask(self._client.verified_senders, _Senders).results
        return [sender.from_email for sender in senders if sender.verified]

    def domains(self) -> Sequence[SenderDomain]:
        """The authenticated domains."""
        return [
            SenderDomain(
                domain=each.domain,
                is_valid=each.valid,
                return_path=_record(each.dns.get("mail_cname") or each.dns.get("mail_server")),
                signing_keys=[
                    record
                    for name in ("dkim1", "dkim2", "dkim")
                    if (record := _record(each.dns.get(name))) is not None
                ],
            )
            for each in self._ask(self._client.whitelabel.domains, list[_Domain])
        ]

    def event_webhooks(self) -> Sequence[EventWebhook]:
        """All event webhooks."""
        found = self._ask(self._client.user.webhooks.event.settings.all, _Webhooks)
        return [
            EventWebhook(
                url=str(each.get("url", "")),
                is_enabled=bool(each.get("enabled")),
                missing_events=[name for name in REQUIRED_EVENTS if not each.get(name)],
                public_key=str(each.get("public_key") or ""),
            )
            for each in found.webhooks
        ]

    def _ask(self, endpoint: Any, kind: type[T]) -> T:
        with translated():
            response = endpoint.get()
        try:
            return msgspec.json.decode(response.body, type=kind)
        except (msgspec.MsgspecError, ValueError) as error:
            raise UnreadableAnswerError(PROVIDER, f"an answer that cannot be read: {error}") from error


def _record(found: _Record | None) -> DnsRecord | None:
    return DnsRecord(host=found.host, target=found.data) if found is not None else None
