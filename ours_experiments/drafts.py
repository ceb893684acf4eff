"""What the API is sent.

A draft refuses what the service would refuse, with a `ConfigurationError` that names
the argument. In a `New…` draft None leaves a field to the service. In a `…Patch`
the default `UNSET` leaves a field as it is, and None clears it where that is allowed;
nested objects and lists replace the former ones, they are never merged.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar, cast

import attrs

from ours_experiments._unset import UNSET, Unset
from ours_experiments._validation import (
    check_bool,
    check_control_weight,
    check_filled_text,
    check_percentage,
    check_site_url,
    check_text,
    check_texts,
    check_weight,
    to_member,
    to_tuple,
)
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import (
    DomModification,
    ExperimentType,
    Metrics,
    TargetingRules,
    VariantType,
)
from ours_experiments.models._validation import (
    check_metrics,
    check_modifications,
    check_targeting_rules,
)


T = TypeVar("T")
C = TypeVar("C")


def accept(
    check: Callable[[str, C], None], *others: object
) -> Callable[[object, "attrs.Attribute[T]", T], None]:
    """Make an attrs validator of a check; the other values pass unchecked."""

    def validate(_: object, field: "attrs.Attribute[T]", value: T) -> None:
        if not any(value is other for other in others):
            check(field.name, cast("C", value))

    return validate


def to_experiment_type(value: ExperimentType | str) -> ExperimentType:
    """Take an experiment's type or its text."""
    return to_member(ExperimentType, "type", value)


def to_variant_type(value: VariantType | str) -> VariantType:
    """Take a variant's type or its text."""
    return to_member(VariantType, "variant_type", value)


def to_patched_type(value: VariantType | str | Unset) -> VariantType | Unset:
    """Take a variant's type or its text, or leave it."""
    return UNSET if value is UNSET else to_variant_type(value)


def to_modifications(
    values: Iterable[DomModification],
) -> tuple[DomModification, ...]:
    """Keep modifications as a tuple."""
    return to_tuple(DomModification, "dom_modifications", values)


def to_patched_modifications(
    values: Iterable[DomModification] | Unset | None,
) -> tuple[DomModification, ...] | Unset | None:
    """Keep modifications as a tuple, clear or leave them."""
    return values if values is None or values is UNSET else to_modifications(values)


def to_domains(values: Iterable[str]) -> tuple[str, ...]:
    """Keep domains as a tuple."""
    return to_tuple(str, "whitelist_domains", values)


def to_patched_domains(
    values: Iterable[str] | Unset | None,
) -> tuple[str, ...] | Unset | None:
    """Keep domains as a tuple, clear or leave them."""
    return values if values is None or values is UNSET else to_domains(values)


@attrs.frozen
class NewExperiment:
    """An experiment to create; fields left at None are the service's to choose."""

    experiment_settings_id: str = attrs.field(validator=accept(check_filled_text))
    """The settings that it belongs to."""
    name: str = attrs.field(validator=accept(check_filled_text))
    """The name for people."""
    key: str | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_text, None)
    )
    """The stable name for use in code; None: made from the name."""
    description: str | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_text, None)
    )
    """The hypothesis or a note."""
    type: ExperimentType | None = attrs.field(
        default=None,
        kw_only=True,
        converter=attrs.converters.optional(to_experiment_type),
    )
    """The kind; None: `ab`."""
    traffic_allocation: float | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_percentage, None)
    )
    """Percent of the eligible traffic to enrol, 0 to 100."""
    include_query_string: bool | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_bool, None)
    )
    """Whether redirects keep the visitor's query string."""
    control_weight: int | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_control_weight, None)
    )
    """Percent for the control, 1 to 100; None: 100 until there are treatments."""
    targeting_rules: TargetingRules | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_targeting_rules, None)
    )
    """Who is eligible."""
    metrics: Metrics | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_metrics, None)
    )
    """What is measured; a primary metric needs the name of its event."""


@attrs.frozen(kw_only=True)
class ExperimentPatch:
    """A change to an experiment; at least one field has to be given."""

    key: str | Unset = attrs.field(default=UNSET, validator=accept(check_text, UNSET))
    """The stable name for use in code; blank: made from the name."""
    name: str | Unset = attrs.field(
        default=UNSET, validator=accept(check_filled_text, UNSET)
    )
    """The name for people."""
    description: str | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_text, UNSET, None)
    )
    """The hypothesis or a note; None clears it."""
    traffic_allocation: float | Unset = attrs.field(
        default=UNSET, validator=accept(check_percentage, UNSET)
    )
    """Percent of the eligible traffic to enrol, 0 to 100."""
    include_query_string: bool | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_bool, UNSET, None)
    )
    """Whether redirects keep the visitor's query string; None clears it."""
    targeting_rules: TargetingRules | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_targeting_rules, UNSET, None)
    )
    """Who is eligible; None clears the rules."""
    metrics: Metrics | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_metrics, UNSET, None)
    )
    """What is measured; None clears the metrics."""

    def __attrs_post_init__(self) -> None:
        refuse_empty(self)


@attrs.frozen
class NewVariant:
    """A variant to create, while its experiment is a draft.

    Its payload is `redirect_url` or `dom_modifications`, never both.
    """

    experiment_id: str = attrs.field(validator=accept(check_filled_text))
    """The experiment that it belongs to."""
    name: str = attrs.field(validator=accept(check_filled_text))
    """The name shown in results."""
    weight: int = attrs.field(validator=accept(check_weight))
    """Percent of the enrolled traffic, 0 to 100; all treatments at most 99."""
    variant_type: VariantType | None = attrs.field(
        default=None,
        kw_only=True,
        converter=attrs.converters.optional(to_variant_type),
    )
    """How it changes the page; None: told by the payload."""
    redirect_url: str | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_site_url, None)
    )
    """A path of the site, or an https URL."""
    dom_modifications: tuple[DomModification, ...] | None = attrs.field(
        default=None,
        kw_only=True,
        converter=attrs.converters.optional(to_modifications),
        validator=accept(check_modifications, None),
    )
    """The changes to the page, in order."""
    is_control: bool | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_bool, None)
    )
    """Whether this is the baseline; every experiment is created with one."""

    def __attrs_post_init__(self) -> None:
        check_payload(
            self.variant_type,
            self.redirect_url,
            self.dom_modifications,
            needed=not self.is_control,
        )


@attrs.frozen(kw_only=True)
class VariantPatch:
    """A change to a variant, while its experiment is a draft.

    At least one field has to be given. A new `variant_type` needs its payload.
    """

    name: str | Unset = attrs.field(
        default=UNSET, validator=accept(check_filled_text, UNSET)
    )
    """The name shown in results."""
    weight: int | Unset = attrs.field(
        default=UNSET, validator=accept(check_weight, UNSET)
    )
    """Percent of the enrolled traffic, 0 to 100; the control's cannot be set."""
    variant_type: VariantType | Unset = attrs.field(
        default=UNSET, converter=to_patched_type
    )
    """How it changes the page."""
    redirect_url: str | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_site_url, UNSET, None)
    )
    """A path of the site, or an https URL; None clears it."""
    dom_modifications: tuple[DomModification, ...] | Unset | None = attrs.field(
        default=UNSET,
        converter=to_patched_modifications,
        validator=accept(check_modifications, UNSET, None),
    )
    """The changes to the page, in order; None clears them."""
    is_control: bool | Unset = attrs.field(
        default=UNSET, validator=accept(check_bool, UNSET)
    )
    """Whether this is the baseline."""

    def __attrs_post_init__(self) -> None:
        refuse_empty(self)
        check_payload(
            self.variant_type, self.redirect_url, self.dom_modifications, needed=True
        )


@attrs.frozen(kw_only=True)
class NewSettings:
    """Settings to create; fields left at None are the service's to choose."""

    name: str | None = attrs.field(
        default=None, validator=accept(check_filled_text, None)
    )
    """The name for people."""
    cookie_name: str | None = attrs.field(
        default=None, validator=accept(check_text, None)
    )
    """The cookie that remembers a visitor's variant."""
    whitelist_domains: tuple[str, ...] | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_domains),
        validator=accept(check_texts, None),
    )
    """The only domains to run on; None: not limited."""


@attrs.frozen(kw_only=True)
class SettingsPatch:
    """A change to settings; at least one field has to be given."""

    name: str | Unset = attrs.field(
        default=UNSET, validator=accept(check_filled_text, UNSET)
    )
    """The name for people."""
    cookie_name: str | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_text, UNSET, None)
    )
    """The cookie that remembers a visitor's variant; None clears it."""
    whitelist_domains: tuple[str, ...] | Unset | None = attrs.field(
        default=UNSET,
        converter=to_patched_domains,
        validator=accept(check_texts, UNSET, None),
    )
    """The only domains to run on; None lifts the limit."""

    def __attrs_post_init__(self) -> None:
        refuse_empty(self)


def refuse_empty(patch: attrs.AttrsInstance) -> None:
    """Refuse a patch that changes nothing."""
    if all(value is UNSET for value in attrs.astuple(patch, recurse=False)):
        raise ConfigurationError(f"{type(patch).__name__}: no field is given")


def check_payload(
    kind: VariantType | Unset | None,
    redirect_url: str | Unset | None,
    modifications: tuple[DomModification, ...] | Unset | None,
    *,
    needed: bool,
) -> None:
    """Refuse two payloads, and one that is not the type's or is missing for it."""
    redirects = isinstance(redirect_url, str)
    modifies = isinstance(modifications, tuple) and bool(modifications)
    if redirects and modifies:
        raise ConfigurationError(
            "redirect_url, dom_modifications: a variant has one of them"
        )
    if kind is VariantType.REDIRECT:
        if modifies:
            raise ConfigurationError("dom_modifications: variant_type is redirect")
        if needed and redirect_url is None:
            raise ConfigurationError("redirect_url: variant_type redirect needs it")
    if kind is VariantType.DOM_MODIFICATIONS:
        if redirects:
            raise ConfigurationError("redirect_url: variant_type is dom_modifications")
        if needed and modifications is None:
            raise ConfigurationError(
                "dom_modifications: variant_type dom_modifications needs them"
            )
