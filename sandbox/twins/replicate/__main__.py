"""python -m sandbox.twins.replicate: the Replicate twin as a process."""

import functools

from litestar.exceptions import HTTPException

from sandbox.twins.common import (
    FaultRules,
    RuntimeOptions,
    Twin,
    TwinState,
    WebhookSender,
    listen,
    parser,
    serve,
)
from sandbox.twins.replicate import api
from sandbox.twins.replicate.authentication import Authentication
from sandbox.twins.replicate.errors import (
    ReplicateError,
    answer_replicate_error,
    answer_routing_error,
    fault_body,
)
from sandbox.twins.replicate.files import Files
from sandbox.twins.replicate.image_transfer import ImageDownloader
from sandbox.twins.replicate.prediction_runner import PredictionRunner
from sandbox.twins.replicate.predictions import (
    COMPLETED,
    PREDICTION_ACTIONS,
    Predictions,
    ReplicateSettings,
    signature_headers,
)


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    arguments = parser("replicate", "A twin of Replicate: predictions that really restore, locally.")
    arguments.add_argument("--api-token", default="r8_sandbox", help="the API token that is let in")
    arguments.add_argument(
        "--webhook-secret", default="whsec_c2FuZGJveA==", help="signs webhooks (whsec_ and base64)"
    )
    arguments.add_argument("--workers", type=int, default=2, help="restorations at a time")
    options = arguments.parse_args()

    listener, url = listen(options.port)
    ledger = TwinState(options.data, "replicate")
    faults = FaultRules(PREDICTION_ACTIONS)
    settings = RuntimeOptions(ledger, ReplicateSettings())
    webhooks = WebhookSender(
        ledger,
        faults,
        settings,
        functools.partial(signature_headers, options.webhook_secret),
        is_repeated=lambda delivery: delivery.type == COMPLETED,
    )
    predictions = Predictions(ledger, webhooks, url)
    files = Files(ledger, url)
    runner = PredictionRunner(predictions, ImageDownloader(files), faults, settings)
    twin = Twin(
        name="replicate",
        ledger=ledger,
        faults=faults,
        settings=settings,
        webhooks=webhooks,
        handlers=api.HANDLERS,
        dependencies={
            "predictions": predictions,
            "files": files,
            "runner": runner,
            "webhook_secret": options.webhook_secret,
        },
        error_body=fault_body,
        layers=[lambda app: Authentication(app, options.api_token, settings)],
        exception_handlers={ReplicateError: answer_replicate_error, HTTPException: answer_routing_error},
    )
    runner.open(options.workers)
    serve(twin, listener, url)


if __name__ == "__main__":
    main()
