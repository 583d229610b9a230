"""Requests to the shop's own public address, as others make them."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2

from domain.ports.errors import NoAnswerError, UnavailableError

_HTTPS_PORT, _HTTP_PORT = 443, 80
#: How long a server may think about a body of which it knows the size only.
BODY_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class PublicAnswer:
    """An answer; ``location`` is where it redirects to."""

    status: int
    location: str | None
    content: bytes


class CertificateError(UnavailableError):
    """The certificate is not one that clients accept."""

    def __init__(self, host: str, reason: str) -> None:
        self.host = host
        super().__init__(f"The certificate of {host}", reason)


class UnansweredAddressError(NoAnswerError):
    """Nothing answers at the address."""

    def __init__(self, base_url: str, reason: str) -> None:
        self.base_url = base_url
        super().__init__(base_url, reason)

    def __str__(self) -> str:
        """What to do; the reason differs by way and would repeat it."""
        return (
            f"{self.base_url} does not answer: start `restoreclick serve`, or check the proxy in front of it and the"
            " name's address."
        )


class PublicAddress:
    """The shop at one base address, with what is in front."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._client = httpx2.Client(timeout=timeout_seconds, follow_redirects=False)
        parts = urlsplit(base_url)
        self._is_secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (_HTTPS_PORT if self._is_secure else _HTTP_PORT)
        self._path = parts.path

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def certificate_expires_at(self) -> datetime | None:
        """When the certificate expires; None without TLS.

        Raises CertificateError, or UnansweredAddressError.
        """
        if not self._is_secure:
            return None
        try:
            with (
                socket.create_connection((self._host, self._port), self._timeout_seconds) as raw,
                ssl.create_default_context().wrap_socket(raw, server_hostname=self._host) as secured,
            ):
                found = secured.getpeercert() or {}
        except ssl.SSLCertVerificationError as error:
            raise CertificateError(self._host, error.verify_message) from error
        except OSError as error:
            raise UnansweredAddressError(self._base_url, type(error).__name__) from error
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)

    def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> PublicAnswer:
        """Send a request without following redirects; raises UnansweredAddressError."""
        try:
            answer = self._client.request(
                method, f"{self._base_url}{path}", content=content, headers=dict(headers or {})
            )
        except httpx2.HTTPError as error:
            raise UnansweredAddressError(self._base_url, type(error).__name__) from error
        return PublicAnswer(
            status=answer.status_code, location=answer.headers.get("location"), content=answer.content
        )

    def refusal_of_body(self, path: str, size_bytes: int) -> int | None:
        """The status that answers the announcement of a body.

        None if the body is awaited; it is not sent.
        """
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        with closing(
            kind(self._host, self._port, timeout=min(BODY_SECONDS, self._timeout_seconds))
        ) as connection:
            try:
                connection.putrequest("POST", f"{self._path}{path}")
                for name, value in {
                    "Content-Type": "application/octet-stream",
                    "Content-Length": str(size_bytes),
                    "Expect": "100-continue",
                }.items():
                    connection.putheader(name, value)
                connection.endheaders()
                return connection.getresponse().status
            except TimeoutError:
                return None
            except (OSError, http.client.HTTPException) as error:
                raise UnansweredAddressError(self._base_url, type(error).__name__) from error
