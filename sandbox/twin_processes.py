"""The twins of the paid providers as processes, and their settings."""

import base64
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.persisted_values import private_folder
from sandbox.ports import claimed_ports
from sandbox.processes import Process, Supervisor

#: The model for a photo that the first model refuses, and for a redo.
SECOND_MODEL = "tencentarc/gfpgan:0fbacf7afc6c144e5be9767cff80f25aff23e52b0708f17e20f9879b2f21516c"
SECOND_INPUT_NAME = "img"

_TWINS = ("stripe", "replicate", "sendgrid")

#: Three processes load Python and a web framework at once.
_READY_SECONDS = 60.0

_STOP_SECONDS = 3.0

#: By twin: its URL, and what else the shop has to know of it.
Announcements = Mapping[str, Mapping[str, str]]


def start(
    supervisor: Supervisor, data_dir: Path, shop_url: str, credentials: Mapping[str, str]
) -> Announcements:
    """Start the twins, whose webhooks go to the shop.

    Raises ProcessError if one does not become ready.
    """
    home = private_folder(data_dir / "twins")
    ports = supervisor.enter_context(claimed_ports(home / "ports.json", _TWINS))
    options = _options(f"{shop_url}/api/webhooks", credentials)
    twins: dict[str, Process] = {}
    for name in _TWINS:
        argv = [
            *(sys.executable, "-m", f"sandbox.twins.{name}", f"--port={ports[name]}"),
            *(f"--data={private_folder(home / name)}", *options[name]),
        ]
        log = data_dir / "logs" / f"{name}.log"
        process = Process.start(f"The {name} twin", argv, log=log, env=os.environ | without_proxies())
        twins[name] = supervisor.watch(process, timeout_seconds=_STOP_SECONDS)
    return {name: json.loads(twin.wait_for_line('{"twin":', _READY_SECONDS)) for name, twin in twins.items()}


def _options(webhooks: str, credentials: Mapping[str, str]) -> Mapping[str, list[str]]:
    return {
        "stripe": [
            f"--secret-key={credentials['STRIPE_SECRET_KEY']}",
            f"--webhook-secret={credentials['STRIPE_WEBHOOK_SECRET']}",
            f"--webhook-url={webhooks}/stripe",
        ],
        "replicate": [
            f"--api-token={credentials['REPLICATE_API_TOKEN']}",
            f"--webhook-secret={credentials['REPLICATE_WEBHOOK_SECRET']}",
        ],
        "sendgrid": [
            f"--api-key={credentials['SENDGRID_API_KEY']}",
            f"--webhook-url={webhooks}/sendgrid",
        ],
    }


def settings(announcements: Announcements) -> dict[str, str]:
    """Return the settings with which a shop uses the twins."""
    stripe, replicate, sendgrid = (announcements[name] for name in _TWINS)
    return {
        "STRIPE_API_BASE": stripe["url"],
        "STRIPE_CHECKOUT_ORIGINS": stripe["url"],
        "REPLICATE_API_BASE": replicate["url"],
        "REPLICATE_OUTPUT_HOSTS": replicate["url"].removeprefix("http://"),
        "REPLICATE_SECOND_MODEL": SECOND_MODEL,
        "REPLICATE_SECOND_INPUT_NAME": SECOND_INPUT_NAME,
        "SENDGRID_API_BASE": sendgrid["url"],
        "SENDGRID_WEBHOOK_PUBLIC_KEY": sendgrid["public_key"],
        "DNS_SERVER": sendgrid["dns"],
        "SANDBOX_MAILBOX_URL": f"{sendgrid['url']}/mailbox",
    }


def new_credentials() -> dict[str, str]:
    """Create credentials in each provider's format, valid in this sandbox only."""
    return {
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(16)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "REPLICATE_API_TOKEN": f"r8_{secrets.token_hex(18)}",
        "REPLICATE_WEBHOOK_SECRET": f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
        "SENDGRID_API_KEY": f"SG.{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}",
        "WORKER_SECRET_KEY": secrets.token_urlsafe(32),
        "LINK_SIGNING_KEY": secrets.token_urlsafe(32),
    }


def without_proxies() -> dict[str, str]:
    """Return an environment in which this machine is exempt from proxies."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    exempt = ",".join(filter(None, [known, "127.0.0.1", "localhost"]))
    return {"NO_PROXY": exempt, "no_proxy": exempt}
