"""The public address is looked at as clients see it."""

import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import create_server
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.public_address import CertificateError, PublicAddress
from domain.ports.errors import NoAnswerError, UnavailableError
from tests.silence import silent_listener

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])


def certificate(folder: Path, expires_at: datetime) -> Path:
    """A certificate of this machine, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=90))
        .not_valid_after(expires_at)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


class TlsServer:
    """Answers TLS handshakes with a certificate."""

    def __init__(self, file: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(file)
        self._listener = create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def servers() -> Iterator[list[TlsServer]]:
    servers: list[TlsServer] = []
    yield servers
    for server in servers:
        server.close()


def test_the_end_of_a_trusted_certificate_is_read(
    tmp_path: Path, servers: list[TlsServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=5)
    file = certificate(tmp_path, expires_at)
    servers.append(TlsServer(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with closing(PublicAddress(servers[0].url, 5)) as address:
        assert address.certificate_expires_at() == expires_at


@pytest.mark.parametrize(("days", "is_trusted"), [(5, False), (-1, True)])
def test_a_certificate_that_clients_refuse_is_an_error(
    tmp_path: Path, servers: list[TlsServer], monkeypatch: pytest.MonkeyPatch, days: int, *, is_trusted: bool
) -> None:
    file = certificate(tmp_path, datetime.now(UTC) + timedelta(days=days))
    servers.append(TlsServer(file))
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with (
        closing(PublicAddress(servers[0].url, 5)) as address,
        pytest.raises(CertificateError, match=r"127\.0\.0\.1"),
    ):
        address.certificate_expires_at()


def test_plain_http_has_no_certificate() -> None:
    with closing(PublicAddress("http://127.0.0.1:9", 5)) as address:
        assert address.certificate_expires_at() is None


def test_an_address_that_nothing_answers_at_is_unavailable() -> None:
    with closing(PublicAddress("http://127.0.0.1:9", 5)) as address:
        with pytest.raises(UnavailableError):
            address.request("GET", "/")
        with pytest.raises(UnavailableError):
            address.refusal_of_body("/", 1)
    with closing(PublicAddress("https://127.0.0.1:9", 5)) as address, pytest.raises(UnavailableError):
        address.certificate_expires_at()


def test_a_server_that_waits_for_the_body_refuses_nothing() -> None:
    with silent_listener() as port, closing(PublicAddress(f"http://127.0.0.1:{port}", 0.2)) as address:
        assert address.refusal_of_body("/", 50_000_000) is None
        with pytest.raises(NoAnswerError):
            address.request("GET", "/")
