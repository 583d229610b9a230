"""The account: the key's scopes, senders, domains and event webhook."""

from litestar import Controller, get

from sandbox.twins.common import GIVEN, Json, RuntimeOptions
from sandbox.twins.sendgrid.api import Call, check_key
from sandbox.twins.sendgrid.delivery import EVENT_TYPES, SendGridSettings
from sandbox.twins.sendgrid.dns_server import records_of
from sandbox.twins.sendgrid.signing import EventSigner

WEBHOOK_ID = "77d4a5da-7015-11ed-a1eb-0242ac120002"

Account = RuntimeOptions[SendGridSettings]


class V3Account(Controller):
    """What an operator sets up in SendGrid's pages."""

    path = "/v3"

    @get("/scopes", sync_to_thread=False)
    def scopes(self, request: Call, api_key: str = GIVEN, account: Account = GIVEN) -> Json:
        """List what the key may do."""
        check_key(request, api_key)
        return {"scopes": list(account.current.scopes)}

    @get("/verified_senders", sync_to_thread=False)
    def senders(self, request: Call, api_key: str = GIVEN, account: Account = GIVEN) -> Json:
        """List single senders."""
        check_key(request, api_key)
        senders = enumerate(account.current.verified_senders, start=1)
        return {
            "results": [
                {"id": number, "nickname": address, "from_email": address, "verified": True, "locked": False}
                for number, address in senders
            ]
        }

    @get("/whitelabel/domains", sync_to_thread=False)
    def domains(self, request: Call, api_key: str = GIVEN, account: Account = GIVEN) -> list[Json]:
        """List authenticated domains with the DNS records that they need."""
        check_key(request, api_key)
        return [
            {
                "id": number,
                "user_id": 1,
                "subdomain": "em1",
                "domain": domain,
                "username": "sandbox",
                "ips": [],
                "custom_spf": False,
                "default": number == 1,
                "legacy": False,
                "automatic_security": True,
                "valid": True,
                "dns": {
                    name: {"valid": True, "type": "cname", "host": host, "data": data}
                    for name, (host, data) in records_of(domain).items()
                },
            }
            for number, domain in enumerate(account.current.authenticated_domains, start=1)
        ]

    @get("/user/webhooks/event/settings/all", sync_to_thread=False)
    def webhooks(
        self, request: Call, api_key: str = GIVEN, account: Account = GIVEN, signer: EventSigner = GIVEN
    ) -> Json:
        """List the event webhooks."""
        check_key(request, api_key)
        settings = account.current
        webhook = {
            "id": WEBHOOK_ID,
            "enabled": settings.webhook_enabled,
            "url": settings.webhook_url,
            **{name: name in settings.webhook_events for name in EVENT_TYPES},
            "friendly_name": "Sandbox",
            "oauth_client_id": "",
            "public_key": signer.public_key if settings.webhook_signed else "",
        }
        return {"max_allowed": 5, "webhooks": [webhook] if settings.webhook_url else []}
