"""DNS of the sender's domain: SPF, DKIM and DMARC."""

from collections.abc import Iterator

from domain.ports.errors import OutsideError
from entrypoints.bootstrap.diagnosis import Diagnosis, SenderDomain
from entrypoints.doctor.findings import Check, Finding, error, warning

SUBJECT = "dns"

#: Where SendGrid's keys are if it does not list the domain.
_SELECTORS = ("s1", "s2")


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of the sender's DNS records."""
    return [
        Check(subject=SUBJECT, look=lambda: _spf(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _dkim(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _dmarc(diagnosis)),
    ]


def _domain(diagnosis: Diagnosis) -> str:
    return diagnosis.settings.sender_address.rpartition("@")[2].casefold()


def _authenticated(diagnosis: Diagnosis) -> SenderDomain | None:
    """The domain as SendGrid lists it; None if it does not."""
    try:
        listed = diagnosis.sendgrid.domains()
    except OutsideError:
        return None  # the check of SendGrid reports it
    return next((each for each in listed if each.domain.casefold() == _domain(diagnosis)), None)


def _spf(diagnosis: Diagnosis) -> Iterator[Finding]:
    domain, authenticated = _domain(diagnosis), _authenticated(diagnosis)
    own = [text for text in diagnosis.dns.texts(domain) if text.casefold().startswith("v=spf1")]
    if len(own) > 1:
        yield error(
            "spf_twice", f"{domain} has {len(own)} SPF records, so all are ignored: merge them into one."
        )
    host = authenticated.return_path.host if authenticated and authenticated.return_path else domain
    texts = own if host == domain else diagnosis.dns.texts(host)
    if not any(text.casefold().startswith("v=spf1") for text in texts):
        yield error(
            "spf_missing",
            f"{host} has no SPF record, so mails end as spam: add the record that SendGrid's domain authentication"
            " shows.",
        )


def _dkim(diagnosis: Diagnosis) -> Iterator[Finding]:
    domain, authenticated = _domain(diagnosis), _authenticated(diagnosis)
    hosts = [f"{selector}._domainkey.{domain}" for selector in _SELECTORS]
    if authenticated is not None and authenticated.signing_keys:
        hosts = [record.host for record in authenticated.signing_keys]
    lacking = [host for host in hosts if not any("p=" in text for text in diagnosis.dns.texts(host))]
    if lacking:
        have = "has" if len(lacking) == 1 else "have"
        yield error(
            "dkim_missing",
            f"{' and '.join(lacking)} {have} no DKIM key, so mails are not signed by {domain}: add the record that"
            " SendGrid's domain authentication shows.",
        )


def _dmarc(diagnosis: Diagnosis) -> Iterator[Finding]:
    labels = _domain(diagnosis).split(".")
    # A domain without a record has that of its parent.
    hosts = [f"_dmarc.{'.'.join(labels[start:])}" for start in range(len(labels) - 1)]
    if not any(
        text.casefold().startswith("v=dmarc1") for host in hosts for text in diagnosis.dns.texts(host)
    ):
        yield warning(
            "dmarc_missing",
            f'{hosts[0]} has no DMARC record, which large providers require: add one, such as "v=DMARC1; p=none".',
        )
