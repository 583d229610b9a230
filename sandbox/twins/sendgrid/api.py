"""The API /v3, and the mailbox API."""

import json
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import Parameter

from sandbox.twins.common import GIVEN, Json, exchange_of
from sandbox.twins.common.control import answer_in_plain_json
from sandbox.twins.sendgrid import activity
from sandbox.twins.sendgrid.delivery import MailDelivery
from sandbox.twins.sendgrid.signing import EventSigner
from sandbox.twins.sendgrid.validation import MAX_MESSAGE_BYTES, complaints_about, error_body

Call = Request[Any, Any, State]


class RefusedError(Exception):
    """An error answer in SendGrid's format."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(body)
        self.status = status
        self.body = body


class V3(Controller):
    """The endpoints that the SDK calls."""

    path = "/v3"

    @post("/mail/send", sync_to_thread=False)
    def send(self, request: Call, api_key: str = GIVEN, delivery: MailDelivery = GIVEN) -> Response[bytes]:
        """Accept a message, or return all that is wrong with it."""
        check_key(request, api_key)
        message = _message_in(request)
        if (message.get("mail_settings") or {}).get("sandbox_mode", {}).get("enable"):
            return Response(b"", status_code=200)
        return Response(b"", status_code=202, headers={"X-Message-Id": delivery.accept(message)})

    @get("/messages", sync_to_thread=False)
    def messages(self, request: Call, api_key: str = GIVEN, delivery: MailDelivery = GIVEN) -> Json:
        """List messages of the Email Activity by query, newest first."""
        check_key(request, api_key)
        if not delivery.shows_activity:
            raise RefusedError(403, error_body(("access forbidden", None)))
        asked = request.query_params
        try:
            return activity.listed(delivery.mailbox(), asked.get("query", ""), asked.get("limit", "10"))
        except activity.QueryError as error:
            raise RefusedError(400, error_body((str(error), "query"))) from error

    @get("/user/webhooks/event/settings/signed", sync_to_thread=False)
    def public_key(self, request: Call, api_key: str = GIVEN, signer: EventSigner = GIVEN) -> Json:
        """Return the public key of the event webhook."""
        check_key(request, api_key)
        return {"public_key": signer.public_key}


class Mailbox(Controller):
    """Delivered e-mails, for tests and scripts."""

    path = "/_twin/mailbox"

    @get("/", sync_to_thread=False)
    def mails(
        self, to: Annotated[str | None, Parameter(query="to")] = None, delivery: MailDelivery = GIVEN
    ) -> list[Json]:
        """List the e-mails, newest last."""
        return delivery.mailbox(to)

    @get("/{mail_id:str}", sync_to_thread=False)
    def mail(self, mail_id: str, delivery: MailDelivery = GIVEN) -> Json:
        """Return one e-mail."""
        return mail_or_404(delivery, mail_id)

    @get("/{mail_id:str}/attachments/{number:int}", sync_to_thread=False)
    def attachment(self, mail_id: str, number: int, delivery: MailDelivery = GIVEN) -> Response[bytes]:
        """Return an attachment, as a download that browsers do not render."""
        found = delivery.attachment(mail_id, number)
        if found is None:
            raise NotFoundException("No such attachment.")
        described, content = found
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(described['filename'], safe='')}",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(content, media_type=described["type"], headers=headers)


def mail_or_404(delivery: MailDelivery, mail_id: str) -> Json:
    """Return an e-mail; raise NotFoundException if unknown."""
    mail = delivery.mail(mail_id)
    if mail is None:
        raise NotFoundException("No such mail.")
    return mail


def fault_body(status: int) -> Json:
    """Return the error body of a fault."""
    return error_body(("too many requests" if status == 429 else "The sandbox fails here on demand.", None))  # noqa: PLR2004


def answer_refused(_: Call, error: RefusedError) -> Response[Json]:
    """Return SendGrid's error answer."""
    return Response(error.body, status_code=error.status)


def answer_routing_error(request: Call, error: HTTPException) -> Response[Json]:
    """Answer unknown /v3 addresses in SendGrid's format, others in plain JSON."""
    if request.url.path.startswith("/v3/"):
        return Response(error_body((error.detail.lower(), None)), status_code=error.status_code)
    return answer_in_plain_json(request, error)


def check_key(request: Call, api_key: str) -> None:
    """Raise RefusedError for a request without the API key."""
    given = request.headers.get("authorization", "")
    if not given:
        raise RefusedError(401, error_body(("Permission denied, wrong credentials", None)))
    if given != f"Bearer {api_key}":
        raise RefusedError(
            401, error_body(("The provided authorization grant is invalid, expired, or revoked", None))
        )


def _message_in(request: Call) -> Json:
    body = exchange_of(request.scope).body
    if len(body) > MAX_MESSAGE_BYTES:
        raise RefusedError(
            413, error_body(("The JSON payload you have included in your request is too large.", None))
        )
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise RefusedError(415, error_body(("Content-Type should be application/json.", None)))
    try:
        message: Json = json.loads(body)
    except ValueError as error:
        raise RefusedError(400, error_body(("Bad Request", None))) from error
    complaints = complaints_about(message)
    if complaints:
        raise RefusedError(400, error_body(*complaints))
    return message
