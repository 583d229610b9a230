"""Bounded downloads of outputs, from allowed hosts only, without credentials."""

import time
from typing import BinaryIO

import httpx2

from adapters.restorer_replicate.transport import CONNECT_TIMEOUT_SECONDS, PROVIDER
from domain.ports.errors import RefusedError, UnavailableError

#: Enough for a hundred megabytes over a slow connection.
LONGEST_FETCH_SECONDS = 120.0

CHUNK_BYTES = 256 * 1024

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OutputDownloader:
    """Download outputs from ``hosts``.

    A host is ``host`` (default port), ``host:port``, or ``*.domain`` for all hosts below a domain.
    """

    def __init__(self, hosts: frozenset[str], *, timeout_seconds: float, max_bytes: int) -> None:
        self._hosts = hosts
        self._max_bytes = max_bytes
        self._http = httpx2.Client(
            timeout=httpx2.Timeout(timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        )

    def fetch(self, url: str, target: BinaryIO) -> int:
        """Write the output at ``url`` to ``target``; return its length in bytes.

        Raises RefusedError or UnavailableError.
        """
        self._check(url)
        try:
            with self._http.stream("GET", url) as response:
                _check_status(response)
                return self._write(response, target)
        except httpx2.TransportError as error:
            # This includes a body shorter than its Content-Length.
            raise UnavailableError(PROVIDER, f"{type(error).__name__} on an output") from error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _check(self, text: str) -> None:
        try:
            url = httpx2.URL(text)
        except (httpx2.InvalidURL, TypeError) as error:
            raise _refused("its output has no address", "address") from error
        if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
            raise _refused("its output is not on HTTPS", "scheme")
        if url.userinfo:
            raise _refused("its output's address carries credentials", "address")
        if not self._is_known(url):
            raise _refused(f"its output is on {url.host}, which is not one of its hosts", "host")

    def _is_known(self, url: httpx2.URL) -> bool:
        if url.port is not None:
            return f"{url.host}:{url.port}" in self._hosts
        labels = url.host.split(".")
        suffixes = {"*." + ".".join(labels[start:]) for start in range(1, len(labels))}
        return url.host in self._hosts or not suffixes.isdisjoint(self._hosts)

    def _write(self, response: httpx2.Response, target: BinaryIO) -> int:
        deadline = time.monotonic() + LONGEST_FETCH_SECONDS
        written = 0
        for chunk in response.iter_raw(CHUNK_BYTES):
            written += len(chunk)
            if written > self._max_bytes:
                raise _refused(f"its output is larger than {self._max_bytes} bytes", "too_large")
            if time.monotonic() > deadline:
                raise UnavailableError(PROVIDER, f"an output took over {LONGEST_FETCH_SECONDS:.0f} seconds")
            target.write(chunk)
        return written


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status == httpx2.codes.TOO_MANY_REQUESTS or response.is_server_error:
        raise UnavailableError(PROVIDER, f"status {status} on an output")
    if response.is_redirect:
        raise _refused("its output is redirected", "redirect")
    if status != httpx2.codes.OK:
        raise _refused(f"its output is gone (status {status})", str(status))


def _refused(reason: str, code: str) -> RefusedError:
    return RefusedError(PROVIDER, reason, code=code)
