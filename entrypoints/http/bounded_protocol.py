"""Time limits on HTTP/1.1 connections whose client stalls.

They close a connection whose client is silent, slow with its headers, or stops reading; Uvicorn limits only the time
between two requests. Request bodies have their own limits, in ``request_bodies``.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: From the opening of the connection, or from a later request's first byte, to the end of the headers.
HEADER_SECONDS = 10.0

#: How long a client may take to read the full send buffers, some tens of kilobytes; and how long it may go on sending
#: a body after the response is complete.
STALL_SECONDS = 60.0


#: How long a process that ends waits for the first request of a connection that it has accepted. Another process has
#: the listening socket already, but not this connection, which would be reset.
FIRST_REQUEST_SECONDS = 1.0


class BoundedProtocol(H11Protocol):
    """Uvicorn's protocol with a time limit wherever it waits for the client."""

    _header_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _is_new = True  # without a request yet
    _is_leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the header timer."""
        super().connection_made(transport)
        self._watch_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel both timers."""
        self._stop_header_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process the bytes and update the header timer."""
        super().data_received(data)
        self._watch_headers()
        self._is_new = self._is_new and self.conn.their_state is h11.IDLE
        if self._is_leaving and not self._is_new and not self.transport.is_closing():
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Close the connection, a new one after its first request."""
        if self._is_new and not self._is_leaving:
            self._is_leaving = True
            self.loop.call_later(FIRST_REQUEST_SECONDS, self.shutdown)
        elif not self.transport.is_closing():
            super().shutdown()

    def pause_writing(self) -> None:
        """Start the stall timer: the send buffers are full."""
        super().pause_writing()
        self._stop_stall_timer()
        self._stall_timer = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancel the stall timer: the client has read the buffers."""
        self._stop_stall_timer()
        super().resume_writing()

    def _watch_headers(self) -> None:
        """Run the timer while headers, or an already answered body, are incomplete."""
        expects_headers = self.conn.their_state is h11.IDLE
        if not expects_headers and not self.cycle.response_complete:
            self._stop_header_timer()
        elif self._header_timer is None:
            seconds = HEADER_SECONDS if expects_headers else STALL_SECONDS
            self._header_timer = self.loop.call_later(seconds, self.transport.close)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
