"""Cross-origin requests: which other web sites' scripts may use the API.

Ids and tokens in addresses are the only credentials, and no request carries cookies of ours across origins.
"""

from collections.abc import Sequence

from litestar.config.cors import CORSConfig

#: Request headers beyond those that browsers always allow.
_ALLOWED = (
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
)

#: Response headers that scripts may read.
_EXPOSED = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Photo-Id",
    "Retry-After",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Duplicate",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-Request-Id",
)

#: How long a browser may reuse the answer to a preflight request.
_PREFLIGHT_SECONDS = 3600


def cors_of(origins: Sequence[str]) -> CORSConfig:
    """The configuration for the web sites that may use the API."""
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=list(_ALLOWED),
        expose_headers=list(_EXPOSED),
        max_age=_PREFLIGHT_SECONDS,
    )
