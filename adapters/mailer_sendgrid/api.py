"""Sending e-mail through the SendGrid SDK."""

import http.client
import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.error import URLError
from urllib.request import HTTPSHandler, OpenerDirector, Request, build_opener

import msgspec
from python_http_client.client import Client, Response
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from adapters.retry_after import wait_seconds
from domain.ports.email import OutgoingEmail
from domain.ports.errors import AccountRefusedError, LostReplyError, RefusedError, UnavailableError

PROVIDER = "SendGrid"

#: Sent by the proxy in front of SendGrid's API, behind which the request may have succeeded.
_LOST_REPLIES = frozenset({502, 504})

#: A link in an e-mail gives access to the photos, so it must not pass through a click tracker.
_NO_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


class SendGridMailer:
    """Send e-mail from one sender address."""

    def __init__(
        self,
        *,
        api_key: str,
        api_base: str,
        sender_address: str,
        sender_name: str,
        timeout_seconds: float = 15.0,
    ) -> None:
        # Below this level the SDK's HTTP client logs the API key and request bodies.
        logging.getLogger("python_http_client").setLevel(logging.WARNING)
        self._sender = {"email": sender_address, "name": sender_name}
        self._sdk = SendGridAPIClient(api_key, host=api_base)
        self._sdk.client = _SharedTlsClient(
            host=api_base,
            request_headers=self._sdk.client.request_headers,
            version=3,
            timeout=timeout_seconds,
        )

    @property
    def sdk(self) -> SendGridAPIClient:
        """Return the SDK's client, which the listings share."""
        return self._sdk

    def send(self, mail: OutgoingEmail) -> str:
        """Send an e-mail; return SendGrid's message id, the prefix of webhook ids."""
        with translated():
            response = self._sdk.send(self._message(mail))
        message_id = response.headers.get("X-Message-Id")
        if response.status_code != http.client.ACCEPTED or not message_id:
            raise LostReplyError(PROVIDER, f"status {response.status_code} without a message id")
        return str(message_id)

    def _message(self, mail: OutgoingEmail) -> dict[str, Any]:
        to = {"email": mail.to}
        if mail.to_name:
            to["name"] = _one_line(mail.to_name)
        message: dict[str, Any] = {
            "personalizations": [{"to": [to]}],
            "from": self._sender,
            "subject": _one_line(mail.content.subject),
            "content": [
                {"type": "text/plain", "value": mail.content.text},
                {"type": "text/html", "value": mail.content.html},
            ],
            "tracking_settings": _NO_TRACKING,
        }
        # Events about a letter to the owner carry no ids, so that they count as no customer's e-mail.
        if mail.order_id is not None:
            message["custom_args"] = {"email_id": str(mail.email_id), "order_id": str(mail.order_id)}
            if mail.link_id is not None:
                message["custom_args"]["link_id"] = str(mail.link_id)
        if mail.attachment is not None:
            message["attachments"] = [
                {
                    "content": mail.attachment.content,  # encoded as base64 with the request
                    "filename": mail.attachment.name,
                    "type": mail.attachment.media_type,
                    "disposition": "attachment",
                }
            ]
        return message


class _SharedTlsClient(Client):  # type: ignore[misc] # the SDK has no types
    """The SDK's client, with one TLS context for all requests.

    The SDK loads the root certificates anew for each request, and formats each body for a log line that is off.
    """

    def post(self, request_body: object) -> Response:
        """Post a body as JSON, with bytes as base64."""
        request = Request(  # noqa: S310 -- to the address in the settings
            self._build_url(None),
            data=msgspec.json.encode(request_body),
            headers={**self.request_headers, "Content-Type": "application/json"},
            method="POST",
        )
        return Response(self._make_request(None, request))

    def _build_client(self, name: str | None = None) -> "_SharedTlsClient":
        return _SharedTlsClient(
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, *([name] if name else [])],
            append_slash=self.append_slash,
            timeout=self.timeout,
        )

    def _make_request(self, _: object, request: object, timeout: float | None = None) -> Any:
        return super()._make_request(_opener(), request, timeout)


@cache
def _opener() -> OpenerDirector:
    return build_opener(HTTPSHandler(context=ssl.create_default_context()))


@contextmanager
def translated() -> Iterator[None]:
    """Translate the SDK's errors without their messages, which may quote addresses."""
    try:
        yield
    except HTTPError as error:
        raise _error_of(int(error.status_code), error.headers or {}) from error
    except URLError as error:
        # Raised before the request was sent completely.
        raise UnavailableError(PROVIDER, f"not sent: {type(error.reason).__name__}") from error
    except (OSError, http.client.HTTPException) as error:
        raise LostReplyError(PROVIDER, type(error).__name__) from error


def _error_of(status: int, headers: Mapping[str, str]) -> UnavailableError | RefusedError:
    if status == http.client.TOO_MANY_REQUESTS:
        return UnavailableError(PROVIDER, "rate limit", retry_after_seconds=_wait_seconds(headers))
    if status in _LOST_REPLIES:
        return LostReplyError(PROVIDER, f"status {status}")
    if status >= http.client.INTERNAL_SERVER_ERROR:
        return UnavailableError(PROVIDER, f"status {status}")
    if status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
        return AccountRefusedError(PROVIDER, f"status {status}")
    return RefusedError(PROVIDER, f"status {status}: look at its activity feed", code=str(status))


def _wait_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the wait by the response's own clock, in seconds.

    SendGrid's rate limit header has the time of its reset.
    """
    if "Retry-After" in headers:
        return wait_seconds(headers["Retry-After"])
    try:
        answered_at = parsedate_to_datetime(headers.get("Date", "")).timestamp()
        return wait_seconds(str(float(headers.get("X-RateLimit-Reset", "")) - answered_at))
    except ValueError:
        return None


def _one_line(text: str) -> str:
    """Fold white space: a header must be one line."""
    return " ".join(text.split())
