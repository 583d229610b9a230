"""Upper bound of an e-mail's encoded size (RFC 2045)."""

from domain.ports.email import RenderedEmail

_LINE_CHARACTERS = 76
_LINE_END_BYTES = 2

#: Allowance for addresses, subject, part boundaries, and headers that relaying servers add.
_HEADERS_BYTES = 16_000


def encoded_size_bytes(email_content: RenderedEmail, attachment_bytes: int) -> int:
    """The maximum size of an e-mail with an attachment of this size."""
    return (
        _HEADERS_BYTES
        + _as_text(email_content.text)
        + _as_text(email_content.html)
        + _as_file(attachment_bytes)
    )


def _as_file(size_bytes: int) -> int:
    """The size in base64: four characters for three bytes."""
    return _in_lines(-(-size_bytes // 3) * 4)


def _as_text(text: str) -> int:
    """The worst-case size in quoted-printable.

    Three characters for each byte, and one for each soft line break.
    """
    return _in_lines(len(text.encode()) * 3 * _LINE_CHARACTERS // (_LINE_CHARACTERS - 3))


def _in_lines(characters: int) -> int:
    return characters + -(-characters // _LINE_CHARACTERS) * _LINE_END_BYTES
