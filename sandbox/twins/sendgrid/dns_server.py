"""A DNS server on loopback with the records of the authenticated domains."""

import socket
import threading

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from sandbox.twins.common import RuntimeOptions, TwinState
from sandbox.twins.sendgrid.delivery import SendGridSettings

_HOST = "127.0.0.1"
_LARGEST_QUERY = 4096
_TTL_SECONDS = 60
_ACCOUNT = "u1.wl.sendgrid.example"
_PUBLIC_KEY = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDH"


class DnsServer:
    """Answers from the current settings.

    Its port is kept, unless another process took it meanwhile.
    """

    def __init__(self, settings: RuntimeOptions[SendGridSettings], ledger: TwinState) -> None:
        self._settings = settings
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        kept = ledger.get("dns_server", "port") or {"port": 0}
        try:
            self._socket.bind((_HOST, kept["port"]))
        except OSError:
            self._socket.bind((_HOST, 0))
        port = self._socket.getsockname()[1]
        ledger.put("dns_server", "port", {"port": port})
        self.address = f"{_HOST}:{port}"

    def start(self) -> None:
        """Serve in the background, as long as the process lives."""
        threading.Thread(target=self._serve, name="dns", daemon=True).start()

    def _serve(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(_LARGEST_QUERY)
            try:
                answer = self._answer(dns.message.from_wire(query))
            except dns.exception.DNSException:
                continue  # no DNS message
            self._socket.sendto(answer.to_wire(), sender)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        zone = zone_of(self._settings.current)
        for question in query.question:
            name, is_known = question.name.to_text(omit_final_dot=True).lower(), False
            while name in zone:
                is_known = True
                kind, text = zone[name]
                if kind == "CNAME" or kind == dns.rdatatype.to_text(question.rdtype):
                    answer.answer.append(dns.rrset.from_text(f"{name}.", _TTL_SECONDS, "IN", kind, text))
                if kind != "CNAME":
                    break
                name = text.rstrip(".")
            if not is_known:
                answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


def records_of(domain: str) -> dict[str, tuple[str, str]]:
    """The aliases that an authenticated domain needs: host and target by name."""
    return {
        "mail_cname": (f"em1.{domain}", _ACCOUNT),
        "dkim1": (f"s1._domainkey.{domain}", f"s1.domainkey.{_ACCOUNT}"),
        "dkim2": (f"s2._domainkey.{domain}", f"s2.domainkey.{_ACCOUNT}"),
    }


def zone_of(settings: SendGridSettings) -> dict[str, tuple[str, str]]:
    """All records: type and text by name."""
    key = f'"k=rsa; t=s; p={_PUBLIC_KEY}"'
    zone = {
        _ACCOUNT: ("TXT", '"v=spf1 ip4:192.0.2.0/24 -all"'),
        f"s1.domainkey.{_ACCOUNT}": ("TXT", key),
        f"s2.domainkey.{_ACCOUNT}": ("TXT", key),
    }
    for domain in settings.authenticated_domains:
        aliases = records_of(domain)
        if "spf" not in settings.missing_dns:
            zone[aliases["mail_cname"][0]] = ("CNAME", f"{aliases['mail_cname'][1]}.")
        if "dkim" not in settings.missing_dns:
            zone |= {host: ("CNAME", f"{data}.") for host, data in (aliases["dkim1"], aliases["dkim2"])}
        if "dmarc" not in settings.missing_dns:
            zone[f"_dmarc.{domain}"] = ("TXT", '"v=DMARC1; p=none"')
    return zone
