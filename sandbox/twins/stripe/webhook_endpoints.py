"""Webhook endpoints: the one of the command line, and created ones."""

from sandbox.twins.common import Json
from sandbox.twins.stripe import form_values, lists
from sandbox.twins.stripe.account import ENDPOINT, Account, endpoints_of, new_id
from sandbox.twins.stripe.errors import StripeError

PATH = "/v1/webhook_endpoints"
_PARAMETERS = {"api_version", "connect", "description", "enabled_events", "expand", "metadata", "url"}


def listed(account: Account, params: Json) -> Json:
    """List the endpoints, without their secrets."""
    form_values.known(params, lists.PAGING - {"created"})
    shown = [
        {name: value for name, value in one.items() if name != "secret"} for one in endpoints_of(account)
    ]
    return lists.paged(shown, PATH, params)


def create(account: Account, params: Json) -> Json:
    """Create an endpoint; only this answer has its secret."""
    form_values.known(params, _PARAMETERS)
    url = form_values.required(params, "url")
    if not str(url).startswith(("http://", "https://")):
        raise StripeError("Not a valid URL", code="url_invalid", param="url")
    endpoint: Json = {
        "id": new_id("we"),
        "object": ENDPOINT,
        "api_version": params.get("api_version"),
        "application": None,
        "created": account.now(),
        "description": params.get("description"),
        "enabled_events": list(form_values.required(params, "enabled_events")),
        "livemode": False,
        "metadata": form_values.metadata(params),
        "secret": new_id("whsec", 32),
        "status": "enabled",
        "url": url,
    }
    account.save(endpoint)
    return endpoint


def update(account: Account, params: Json, object_id: str) -> Json:
    """Change the metadata of an endpoint, and nothing else."""
    form_values.known(params, {"metadata", "expand"})
    found = next((one for one in endpoints_of(account) if one["id"] == object_id), None)
    if found is None:
        raise StripeError(
            f"No such webhook endpoint: '{object_id}'",
            code="resource_missing",
            status=404,
            param="webhook_endpoint",
        )
    found = {**found, "metadata": {**found.get("metadata", {}), **form_values.metadata(params)}}
    account.save(found)
    return {name: value for name, value in found.items() if name != "secret"}
