"""The rules of variants: weights, payloads, and a single control."""

from collections.abc import Mapping

from ours_experiments.emulator.account.records import Experiment, Variant
from ours_experiments.emulator.json_values import Json, Values, array, string
from ours_experiments.emulator.problems import bad_request, conflict


MAX_VARIANTS = 200
MAX_TREATMENT_WEIGHT = 99
"""Percent that all treatments may have together."""

_PAYLOADS = {"redirect": "redirectUrl", "dom_modifications": "domModifications"}


def check_payload(
    kind: Json, redirect_url: Json, dom_modifications: Json
) -> str | None:
    """Return the type of a variant by its payload, None without a payload."""
    payloads = {"redirectUrl": redirect_url, "domModifications": dom_modifications}
    present = [name for name, value in payloads.items() if value]
    if kind is None:
        if len(present) > 1:
            raise bad_request("variantType: both payloads are given")
        kinds = [k for k, name in _PAYLOADS.items() if payloads[name] is not None]
        kind = kinds[0] if kinds else None
    if not isinstance(kind, str):
        return None
    needed = _PAYLOADS[kind]
    for name in present:
        if name != needed:
            raise bad_request(f"{name}: contradicts variantType {kind}")
    if payloads[needed] is None:
        raise bad_request(f"{needed}: is required for variantType {kind}")
    return kind


def add(experiment: Experiment, variant: Variant, kind: str | None) -> None:
    """Add a treatment; the control gets the rest of the split."""
    if variant.is_control:
        raise conflict("The experiment already has a control variant")
    _check_split(experiment, {variant.id: variant.weight})
    _check_draft(experiment)
    if len(experiment.variants) >= MAX_VARIANTS:
        raise conflict(f"An experiment has at most {MAX_VARIANTS} variants")
    variant.variant_type = kind
    _drop_other_payload(variant)
    experiment.variants.append(variant)
    _update_control(experiment)


def change(experiment: Experiment, variant: Variant, values: Values) -> None:
    """Update a variant; absent fields stay as they are."""
    weight = values.get("weight")
    if isinstance(weight, int):
        if variant.is_control:
            raise bad_request("weight: the control takes what the treatments leave")
        _check_split(experiment, {variant.id: weight})
    url = values.get("redirectUrl", variant.redirect_url)
    modifications = values.get("domModifications", variant.dom_modifications)
    kind = values.get("variantType") or variant.variant_type
    if kind != variant.variant_type:
        # A change of type without its payload is refused below.
        url = values.get("redirectUrl")
        modifications = values.get("domModifications")
    kind = check_payload(kind, url, modifications)
    is_control = values.get("isControl")
    if variant.is_control and is_control is False:
        raise conflict("An experiment keeps its control variant")
    if is_control and not variant.is_control:
        raise conflict("The experiment already has a control variant")
    _check_draft(experiment)
    name = string(values.get("name"))
    variant.name = variant.name if name is None else name
    variant.weight = weight if isinstance(weight, int) else variant.weight
    variant.variant_type = kind
    variant.redirect_url = string(url)
    variant.dom_modifications = array(modifications)
    _drop_other_payload(variant)
    _update_control(experiment)


def remove(experiment: Experiment, variant: Variant) -> None:
    """Remove a treatment; the control gets its weight."""
    if variant.is_control:
        raise conflict("The control variant cannot be deleted")
    _check_draft(experiment)
    experiment.variants.remove(variant)
    _update_control(experiment)


def _check_draft(experiment: Experiment) -> None:
    if experiment.status != "draft":
        raise conflict("Variants change only while the experiment is a draft")


def _check_split(experiment: Experiment, weights: Mapping[str, int]) -> None:
    treatment_weights = {
        v.id: v.weight for v in experiment.variants if not v.is_control
    }
    if sum((treatment_weights | dict(weights)).values()) > MAX_TREATMENT_WEIGHT:
        raise bad_request(f"weight: the treatments take at most {MAX_TREATMENT_WEIGHT}")


def _drop_other_payload(variant: Variant) -> None:
    if variant.variant_type != "redirect":
        variant.redirect_url = None
    if variant.variant_type != "dom_modifications":
        variant.dom_modifications = None


def _update_control(experiment: Experiment) -> None:
    treatment_weights = sum(v.weight for v in experiment.variants if not v.is_control)
    for variant in experiment.variants:
        if variant.is_control:
            variant.weight = 100 - treatment_weights
