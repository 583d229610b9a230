"""The correction of a customer's address after the payment.

The upload session is the capability: unlike the order, it is in no e-mail.
"""

from contextlib import suppress
from uuid import UUID

import msgspec
from anyio import to_thread
from litestar import put
from litestar.params import FromPath, JSONBody

from domain.order.values import UploadSessionId
from domain.ports.upload_sessions import UploadStatus
from domain.use_cases.checkout.uploads import UploadService
from domain.use_cases.support.email_correction import AddressKnownError, EmailCorrection, is_address
from entrypoints.bootstrap.wording import ANOTHERS_ADDRESS_GIVEN, CORRECTED_BY_CUSTOMER
from entrypoints.http.dependencies import Given
from entrypoints.http.errors import NotPaidError
from entrypoints.http.malformed_requests import require_plain_json
from entrypoints.http.openapi.contracts import uploads as contracts
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.http.request_logging import request_id_of


class EmailAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The right address."""

    email: str

    def __post_init__(self) -> None:
        """Refuse a malformed address, without repeating it in the message."""
        if "\0" in self.email or not is_address(self.email):
            raise ValueError("email is not an e-mail address, so write it like name@example.com")


@put(
    "/api/uploads/{session:uuid}/email",
    status_code=204,
    before_request=require_plain_json,
    **contracts.CORRECT_EMAIL,
)
async def correct_email(
    email_correction: Given[EmailCorrection],
    upload_service: Given[UploadService],
    request: AnyRequest,
    session: FromPath[UUID],
    data: JSONBody[EmailAddress],
) -> None:
    """Correct a mistyped address after the payment and before the result.

    The confirmation is sent there. Idempotent: the address on file is accepted without effect.
    """

    def correct() -> None:
        seen = upload_service.find(UploadSessionId(session))
        if seen.status is not UploadStatus.PAID:
            raise NotPaidError(session)
        with suppress(AddressKnownError):
            email_correction.correct_by_customer(
                seen.order_id,
                data.email,
                note=CORRECTED_BY_CUSTOMER,
                note_if_taken=ANOTHERS_ADDRESS_GIVEN,
                correlation_id=request_id_of(request.scope),
            )

    await to_thread.run_sync(correct)
