"""TXT records of the DNS, read for an operator."""

from collections.abc import Sequence

import dns.exception
import dns.resolver

from domain.ports.errors import NoAnswerError, UnavailableError

PROVIDER = "The DNS"

_PORT = 53


class DnsRecords:
    """Reads records through a DNS server, by default the machine's own.

    Args:
        server: ``ADDRESS`` or ``ADDRESS:PORT``.
        timeout_seconds: how long a name may take, retries included.
    """

    def __init__(self, server: str | None, timeout_seconds: float) -> None:
        self._resolver = dns.resolver.Resolver(configure=server is None)
        self._resolver.lifetime = timeout_seconds
        if server is not None:
            address, _, port = server.partition(":") if server.count(":") == 1 else (server, "", "")
            self._resolver.nameservers = [address.strip("[]")]
            self._resolver.port = int(port or _PORT)

    def texts(self, name: str) -> Sequence[str]:
        """The TXT records of a name, aliases followed.

        Raises UnavailableError.
        """
        try:
            answer = self._resolver.resolve(name, "TXT", raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return []
        except dns.exception.Timeout as error:
            raise NoAnswerError(PROVIDER, f"no answer about {name}") from error
        except dns.exception.DNSException as error:
            raise UnavailableError(PROVIDER, f"{type(error).__name__} about {name}") from error
        return [b"".join(record.strings).decode(errors="replace") for record in answer.rrset or ()]
