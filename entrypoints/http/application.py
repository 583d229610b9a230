"""The Litestar application: all routes and what they share."""

from collections.abc import Sequence

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from entrypoints.bootstrap.container import Container
from entrypoints.build_info import version
from entrypoints.http.allowed_methods import list_methods, methods_of
from entrypoints.http.api import (
    checkout,
    customer_requests,
    downloads,
    email_address,
    health,
    orders,
    previews,
    shared_links,
    tus,
    uploads,
    worker_calls,
)
from entrypoints.http.cors import cors_of
from entrypoints.http.dependencies import dependencies_of
from entrypoints.http.malformed_requests import MalformedGuard
from entrypoints.http.method_override import MethodOverride
from entrypoints.http.openapi.document import config_of
from entrypoints.http.order_streams import OrderStreams
from entrypoints.http.pages import order_pages, photo_pages, reference_page, shop_pages, upload_pages
from entrypoints.http.pages.html_pages import explain
from entrypoints.http.pages.site import Site
from entrypoints.http.request_logging import RequestLogging
from entrypoints.http.request_metrics import RequestObserver, RequestTracer
from entrypoints.http.webhooks import handlers

#: The default for all routes, which take small JSON documents; uploads and webhooks set their own limits.
MAX_BODY_BYTES = 16 * 1024

ROUTES: Sequence[ControllerRouterHandler] = (
    shop_pages.show_home,
    shop_pages.show_legal_page,
    reference_page.show_reference,
    reference_page.show_problem,
    shop_pages.send_asset,
    shop_pages.send_robots,
    shop_pages.send_icon,
    upload_pages.show_upload,
    upload_pages.send_first_photos,
    upload_pages.send_more_photos,
    upload_pages.remove_from_page,
    upload_pages.change_photos,
    upload_pages.pay,
    upload_pages.reload_form,
    upload_pages.reload_removal,
    upload_pages.reload_first_form,
    order_pages.show_address,
    order_pages.correct_address,
    uploads.open_session,
    uploads.send_photo,
    uploads.show_session,
    uploads.list_photos,
    uploads.remove_photo,
    uploads.close_checkout,
    email_address.correct_email,
    tus.router,
    checkout.open_checkout,
    handlers.from_stripe,
    handlers.from_replicate,
    handlers.from_sendgrid,
    orders.show_order,
    orders.show_progress,
    orders.follow_order,
    downloads.follow_link,
    downloads.send_archive,
    downloads.send_image,
    downloads.fetch_archive,
    downloads.fetch_image,
    previews.show_upload,
    previews.show_order_photo,
    previews.show_original,
    photo_pages.show_album,
    shared_links.share,
    shared_links.take_back,
    shared_links.stop_sharing,
    customer_requests.ask_for_redo,
    customer_requests.ask_for_new_link,
    customer_requests.ask_for_mail,
    customer_requests.press_the_orders_button,
    worker_calls.show_caller,
    worker_calls.call_worker,
    health.live,
    health.ready,
)


def create_app(
    container: Container,
    site: Site | None = None,
    *,
    cors_origins: Sequence[str] = (),
    worker_access: worker_calls.WorkerAccess | None = None,
    observer: RequestObserver | None = None,
    tracer: RequestTracer | None = None,
) -> Litestar:
    """Build the HTTP application on a container, which the caller closes.

    ``site`` is the shop as its pages show it; by default one without a brand. ``cors_origins`` are the web sites whose
    scripts may use the API. Without ``worker_access`` the worker endpoints are off. ``observer`` and
    ``tracer`` are informed of each request.
    """
    site = site or Site()
    order_streams = OrderStreams(lambda: container.queries)
    app = Litestar(
        ROUTES,
        dependencies={
            **dependencies_of(container, order_streams),
            "worker_access": Provide(lambda: worker_access, sync_to_thread=False),
        },
        exception_handlers={Exception: explain},
        state=State(
            {
                "site": site,
                "order_streams": order_streams,
                "idempotent_requests": lambda: container.idempotent_requests,
            }
        ),
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=config_of(version(), site.root),
        before_send=[list_methods],
        cors_config=cors_of(cors_origins) if cors_origins else None,
        logging_config=None,
    )
    app.state.methods = methods_of(app.routes)
    app.asgi_handler = RequestLogging(MalformedGuard(MethodOverride(app.asgi_handler)), observer, tracer)
    return app
