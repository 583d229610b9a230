"""An object's metadata: labels, and the token that says whose it is."""

from collections.abc import Mapping
from urllib.parse import quote, unquote

from minio.datatypes import Object

from domain.order.values import ObjectKey
from domain.ports.object_storage import ObjectOwner
from domain.signed_tokens import TokenSigner

_OWNERSHIP = "x-amz-meta-restoreclick-mark"
_LABEL = "x-amz-meta-restoreclick-label-"

#: Characters of a label that are not quoted in its header.
_UNQUOTED = " :.,-_/"


def headers_of(signer: TokenSigner, key: ObjectKey, labels: Mapping[str, str]) -> dict[str, str]:
    """Return headers with the labels, quoted to ASCII, and this shop's token."""
    quoted = {f"{_LABEL}{name}": quote(value, safe=_UNQUOTED) for name, value in labels.items()}
    return {_OWNERSHIP: signer.object_token(key, labels), **quoted}


def labels_of(found: Object) -> dict[str, str]:
    """Return the labels in an object's metadata, also of other shops."""
    named = ((name.lower(), value) for name, value in (found.metadata or {}).items())
    return {name.removeprefix(_LABEL): unquote(value) for name, value in named if name.startswith(_LABEL)}


def owner_of(signer: TokenSigner, key: ObjectKey, found: Object) -> ObjectOwner:
    """Return whose object it is.

    A token is signed for one key and its labels.
    """
    token = (found.metadata or {}).get(_OWNERSHIP)
    if token is None:
        return ObjectOwner.UNMARKED
    is_ours = signer.is_object_token(token, key, labels_of(found))
    return ObjectOwner.OURS if is_ours else ObjectOwner.FOREIGN
