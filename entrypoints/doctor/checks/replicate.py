"""Replicate: the token, the webhooks' key, the models and their inputs."""

import hmac
from collections.abc import Iterator, Mapping

from domain.order.values import Variant
from entrypoints.bootstrap.diagnosis import Diagnosis
from entrypoints.doctor.findings import Check, Finding, error

SUBJECT = "replicate"

#: The settings of each model.
_SETTINGS = {
    Variant.FIRST: "REPLICATE",
    Variant.SECOND: "REPLICATE_SECOND",
    Variant.ENLARGE: "REPLICATE_ENLARGE",
}


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of Replicate's account and models."""
    return [
        Check(subject=SUBJECT, look=lambda: _account(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _models(diagnosis)),
    ]


def _account(diagnosis: Diagnosis) -> Iterator[Finding]:
    diagnosis.replicate.username()
    expected = diagnosis.settings.replicate_webhook_secret.get_secret_value()
    if not hmac.compare_digest(diagnosis.replicate.webhook_secret().encode(), expected.encode()):
        yield error(
            "replicate_secret_differs",
            "REPLICATE_WEBHOOK_SECRET is not the signing key of the token's account, so its webhooks are refused: copy"
            " the key from Replicate's webhook settings.",
        )


def _models(diagnosis: Diagnosis) -> Iterator[Finding]:
    settings = diagnosis.settings
    has_second = settings.replicate_second_model is not None
    for variant, model in diagnosis.models.items():
        if variant is Variant.SECOND and not has_second:
            continue  # the first one, with other inputs
        name = settings.replicate_input_name, settings.replicate_extra_input
        if variant is Variant.SECOND:
            name = settings.replicate_second_input_name or "", settings.replicate_second_extra_input
        elif variant is Variant.ENLARGE:
            name = settings.replicate_enlarge_input_name, settings.replicate_enlarge_extra_input
        yield from _model(diagnosis, _SETTINGS[variant], model, *name)
    if not has_second:
        redo = {**settings.replicate_extra_input, **settings.replicate_redo_extra_input}
        yield from _inputs(diagnosis, settings.replicate_model, "REPLICATE_REDO_EXTRA_INPUT", redo)


def _model(
    diagnosis: Diagnosis, setting: str, model: str, input_name: str, extra_input: Mapping[str, object]
) -> Iterator[Finding]:
    facts = diagnosis.replicate.model(model)
    if facts is None:
        yield error(
            "model_unknown",
            f"Replicate has no model {model}: correct {setting}_MODEL, with its version.",
        )
        return
    if not facts.is_official and ":" not in model:
        yield error(
            "model_without_version",
            f"{model} is run by its author, and such models need a version: set {setting}_MODEL to {model}:VERSION.",
        )
    if facts.inputs is None:
        return
    if input_name not in facts.inputs:
        yield error(
            "model_input_unknown",
            f"{model} has no input {input_name}: set {setting}_INPUT_NAME to the name of its picture, one of"
            f" {', '.join(facts.inputs)}.",
        )
    yield from _inputs(diagnosis, model, f"{setting}_EXTRA_INPUT", extra_input)
    if lacking := sorted(set(facts.required) - {input_name} - set(extra_input)):
        yield error(
            "model_input_lacking",
            f"{model} requires {', '.join(lacking)}: add them to {setting}_EXTRA_INPUT.",
        )


def _inputs(diagnosis: Diagnosis, model: str, setting: str, given: Mapping[str, object]) -> Iterator[Finding]:
    facts = diagnosis.replicate.model(model)
    if facts is None or facts.inputs is None:
        return
    for name, value in given.items():
        if name not in facts.inputs:
            yield error("model_input_unknown", f"{model} has no input {name}: correct {setting}.")
        elif (choices := facts.inputs[name].get("enum")) and value not in choices:
            yield error(
                "model_input_value",
                f"{model} does not accept {value} for {name}: set one of {', '.join(map(str, choices))} in {setting}.",
            )
