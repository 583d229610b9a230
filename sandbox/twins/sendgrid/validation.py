"""Validation in SendGrid's error format, reporting all errors at once."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from sandbox.twins.common import Json

MAX_MESSAGE_BYTES = 30 * 1024 * 1024
MAX_CUSTOM_ARGS_BYTES = 10_000
MAX_PERSONALIZATIONS = 1000
MAX_RECIPIENTS = 1000

_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
_RECIPIENT_FIELDS = ("to", "cc", "bcc")
_HELP = "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors"

#: A message and its field.
Complaint = tuple[str, str | None]


def error_body(*complaints: Complaint) -> Json:
    """Return the body of an error answer."""
    return {
        "errors": [
            {"message": message, "field": field, "help": _HELP if field else None}
            for message, field in complaints
        ]
    }


class _Personalization(msgspec.Struct):
    to: list[Json] | None = None
    cc: list[Json] | None = None
    bcc: list[Json] | None = None
    custom_args: Json | None = None


class _Message(msgspec.Struct):
    """The fields that are lists and objects; their contents are checked separately."""

    personalizations: list[_Personalization] | None = None
    content: list[Json] | None = None
    attachments: list[Json] | None = None
    custom_args: Json | None = None
    mail_settings: dict[str, Json] | None = None


def complaints_about(message: object) -> list[Complaint]:
    """Return everything that is wrong with a message; empty if valid."""
    try:
        msgspec.convert(message, _Message)
    except msgspec.ValidationError as error:
        return [(f"Invalid type. {error}", None)]
    rules = (_about_personalizations, _about_sender, _about_content, _about_attachments)
    return [complaint for rule in rules for complaint in rule(cast("Json", message))]


def _about_personalizations(message: Json) -> Iterator[Complaint]:
    personalizations = message.get("personalizations")
    if not isinstance(personalizations, list) or not personalizations:
        yield (
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
        )
        return
    if len(personalizations) > MAX_PERSONALIZATIONS:
        yield (
            f"The personalization block is limited to {MAX_PERSONALIZATIONS} per API request.",
            "personalizations",
        )
    if (
        sum(len(one.get(field) or []) for one in personalizations for field in _RECIPIENT_FIELDS)
        > MAX_RECIPIENTS
    ):
        yield (
            f"There is a limit of {MAX_RECIPIENTS} total recipients (to + cc + bcc) per request.",
            "personalizations",
        )
    for number, one in enumerate(personalizations):
        yield from _about_recipients(one, f"personalizations.{number}")
        merged = (message.get("custom_args") or {}) | (one.get("custom_args") or {})
        if len(json.dumps(merged, ensure_ascii=False).encode()) >= MAX_CUSTOM_ARGS_BYTES:
            yield (
                f"The custom_args must be less than {MAX_CUSTOM_ARGS_BYTES} bytes.",
                f"personalizations.{number}",
            )
        if any(not isinstance(value, str) for value in merged.values()):
            yield "The values of custom_args must be strings.", "custom_args"
    if not message.get("subject") and not all(one.get("subject") for one in personalizations):
        rule = "You can get around this requirement if every personalization has a subject defined."
        yield f"The subject is required. {rule}", "subject"


def _about_recipients(one: Json, place: str) -> Iterator[Complaint]:
    if not one.get("to"):
        yield (
            "The to array is required for all personalization objects, and must have at least one email.",
            f"{place}.to",
        )
    seen: set[str] = set()
    for field in _RECIPIENT_FIELDS:
        for number, recipient in enumerate(one.get(field) or []):
            address = _address(recipient)
            if not _EMAIL.fullmatch(address):
                yield "Does not contain a valid address.", f"{place}.{field}.{number}.email"
            if address.lower() in seen:
                rule = "Each email address in the personalization block should be unique between to, cc, and bcc."
                yield (
                    f"{rule} We found the first duplicate instance of [{address}] in the {place}.{field} field.",
                    place,
                )
            seen.add(address.lower())


def _about_sender(message: Json) -> Iterator[Complaint]:
    if not _EMAIL.fullmatch(_address(message.get("from"))):
        yield "The from email does not contain a valid address.", "from.email"
    if "reply_to" in message and not _EMAIL.fullmatch(_address(message["reply_to"])):
        yield "The reply_to email does not contain a valid address.", "reply_to.email"


def _about_content(message: Json) -> Iterator[Complaint]:
    parts = message.get("content")
    if not parts:
        if not message.get("template_id"):
            yield "Unless a valid template_id is provided, the content parameter is required.", "content"
        return
    for number, part in enumerate(parts):
        if not isinstance(part.get("value"), str) or not part["value"]:
            yield (
                "The content value must be a string at least one character in length.",
                f"content.{number}.value",
            )
    types = [part.get("type") for part in parts]
    if not all(types):
        yield "The content type must be a string at least one character in length.", "content"
    elif "text/plain" in types[1:]:
        yield "If present, text/plain must come first, then text/html, then everything else.", "content"


def _about_attachments(message: Json) -> Iterator[Complaint]:
    for number, attachment in enumerate(message.get("attachments") or []):
        place = f"attachments.{number}"
        if not attachment.get("filename"):
            yield "The attachment filename is required.", f"{place}.filename"
        if not attachment.get("content"):
            yield "The attachment content is required.", f"{place}.content"
        else:
            try:
                base64.b64decode(attachment["content"], validate=True)
            except (binascii.Error, ValueError, TypeError):
                yield "The attachment content must be base64 encoded.", f"{place}.content"


def _address(person: Any) -> str:
    address = person.get("email") if isinstance(person, dict) else None
    return address if isinstance(address, str) else ""
