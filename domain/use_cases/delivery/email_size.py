"""What a mail weighs as it travels: more than its parts, for mail is lines of plain characters (RFC 2045)."""

from domain.ports.email import RenderedEmail

_LINE_CHARACTERS = 76
_LINE_END_BYTES = 2

#: Room for addresses, subject, the seams between the parts, and what servers on the way write on top.
_HEADERS_BYTES = 16_000


def encoded_size_bytes(email_content: RenderedEmail, attachment_bytes: int) -> int:
    """The whole mail with an attachment of this size, at the most."""
    return (
        _HEADERS_BYTES
        + _as_text(email_content.text)
        + _as_text(email_content.html)
        + _as_file(attachment_bytes)
    )


def _as_file(size_bytes: int) -> int:
    """In base64: four characters for three bytes."""
    return _in_lines(-(-size_bytes // 3) * 4)


def _as_text(text: str) -> int:
    """In quoted-printable at its worst: three characters for each byte, and a sign where a line goes on."""
    return _in_lines(len(text.encode()) * 3 * _LINE_CHARACTERS // (_LINE_CHARACTERS - 3))


def _in_lines(characters: int) -> int:
    return characters + -(-characters // _LINE_CHARACTERS) * _LINE_END_BYTES
