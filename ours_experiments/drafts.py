"""The objects that the API is sent.

A draft raises a `ConfigurationError` that names the argument for a value that the
service would refuse or ignore. In a `New…` draft, None leaves a field to the service.
In a `…Patch`, the default `UNSET` leaves a field unchanged, and None clears it where
that is allowed. Nested objects and lists replace the former ones; they are not merged.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar, cast

import attrs

from ours_experiments._unset import UNSET, Draft, Unset
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
    """Return an attrs validator by a check; the other values are allowed as well."""

    def validate(_: object, field: "attrs.Attribute[T]", value: T) -> None:
        if not any(value is other for other in others):
            check(field.name, cast("C", value))

    return validate


def to_experiment_type(value: ExperimentType | str) -> ExperimentType:
    """Return the type of an experiment for its text."""
    return to_member(ExperimentType, "type", value)


def to_variant_type(value: VariantType | str) -> VariantType:
    """Return the type of a variant for its text."""
    return to_member(VariantType, "variant_type", value)


def to_patched_type(value: VariantType | str | Unset) -> VariantType | Unset:
    """Return the type of a variant for its text, or UNSET."""
    return UNSET if value is UNSET else to_variant_type(value)


def to_modifications(
    values: Iterable[DomModification],
) -> tuple[DomModification, ...]:
    """Return modifications as a tuple."""
    return to_tuple(DomModification, "dom_modifications", values)


def to_patched_modifications(
    values: Iterable[DomModification] | Unset | None,
) -> tuple[DomModification, ...] | Unset | None:
    """Return modifications as a tuple, None or UNSET."""
    return values if values is None or values is UNSET else to_modifications(values)


def to_domains(values: Iterable[str]) -> tuple[str, ...]:
    """Return domains as a tuple."""
    return to_tuple(str, "whitelist_domains", values)


def to_patched_domains(
    values: Iterable[str] | Unset | None,
) -> tuple[str, ...] | Unset | None:
    """Return domains as a tuple, None or UNSET."""
    return values if values is None or values is UNSET else to_domains(values)


def to_key(value: str | None) -> str | None:
    """Return a key, or None for a blank one, as from an empty cell of a table.

    The service derives a key of its own then, so a search for the blank one would
    prove nothing.
    """
    return None if isinstance(value, str) and not value.strip() else value


@attrs.frozen
class NewExperiment(Draft):
    """An experiment to create; the service chooses fields that are None."""

    experiment_settings_id: str = attrs.field(validator=accept(check_filled_text))
    """The identifier of the settings of the experiment."""
    name: str = attrs.field(validator=accept(check_filled_text))
    """The display name."""
    key: str | None = attrs.field(
        default=None,
        kw_only=True,
        converter=to_key,
        validator=accept(check_text, None),
    )
    """The name for use in code; None or blank: derived from the display name."""
    description: str | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_text, None)
    )
    """The hypothesis, or other text."""
    type: ExperimentType | None = attrs.field(
        default=None,
        kw_only=True,
        converter=attrs.converters.optional(to_experiment_type),
    )
    """The type of experiment; None: `ab`."""
    traffic_allocation: float | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_percentage, None)
    )
    """Percent of the eligible traffic to enrol, 0 to 100."""
    include_query_string: bool | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_bool, None)
    )
    """Whether redirects keep the query string of the page."""
    control_weight: int | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_control_weight, None)
    )
    """Weight of the control in percent, 1 to 100; None: the remainder of 100."""
    targeting_rules: TargetingRules | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_targeting_rules, None)
    )
    """The rules for which visitors and pages the experiment runs."""
    metrics: Metrics | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_metrics, None)
    )
    """The metrics; a primary metric needs the name of its event."""


@attrs.frozen(kw_only=True)
class ExperimentPatch(Draft):
    """Changes to an experiment; at least one field must be given."""

    key: str | Unset = attrs.field(default=UNSET, validator=accept(check_text, UNSET))
    """The name for use in code; blank: derived from the display name."""
    name: str | Unset = attrs.field(
        default=UNSET, validator=accept(check_filled_text, UNSET)
    )
    """The display name."""
    description: str | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_text, UNSET, None)
    )
    """The hypothesis, or other text; None clears it."""
    traffic_allocation: float | Unset = attrs.field(
        default=UNSET, validator=accept(check_percentage, UNSET)
    )
    """Percent of the eligible traffic to enrol, 0 to 100."""
    include_query_string: bool | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_bool, UNSET, None)
    )
    """Whether redirects keep the query string of the page; None clears it."""
    targeting_rules: TargetingRules | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_targeting_rules, UNSET, None)
    )
    """The rules for which visitors and pages it runs; None clears them."""
    metrics: Metrics | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_metrics, UNSET, None)
    )
    """The metrics; None clears them."""

    def __attrs_post_init__(self) -> None:
        refuse_empty(self)


@attrs.frozen
class NewVariant(Draft):
    """A variant to create, while its experiment is a draft.

    It has a `redirect_url` or `dom_modifications`, not both.
    """

    experiment_id: str = attrs.field(validator=accept(check_filled_text))
    """The identifier of the variant's experiment."""
    name: str = attrs.field(validator=accept(check_filled_text))
    """The name, as shown in results."""
    weight: int = attrs.field(validator=accept(check_weight))
    """Percent of the enrolled traffic, 0 to 100; at most 99 for all treatments."""
    variant_type: VariantType | None = attrs.field(
        default=None,
        kw_only=True,
        converter=attrs.converters.optional(to_variant_type),
    )
    """How the variant changes the page; None: as the other fields imply."""
    redirect_url: str | None = attrs.field(
        default=None, kw_only=True, validator=accept(check_site_url, None)
    )
    """The path or https URL that visitors are redirected to."""
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
    """Whether this is the control; the service creates one with the experiment."""

    def __attrs_post_init__(self) -> None:
        check_payload(
            self.variant_type,
            self.redirect_url,
            self.dom_modifications,
            needed=not self.is_control,
        )


@attrs.frozen(kw_only=True)
class VariantPatch(Draft):
    """Changes to a variant, while its experiment is a draft.

    At least one field must be given. `variant_type` needs the `redirect_url` or the
    `dom_modifications` of that type. Lower the weight of one variant before you raise
    that of another: the service refuses treatments above 99 percent in total.
    """

    name: str | Unset = attrs.field(
        default=UNSET, validator=accept(check_filled_text, UNSET)
    )
    """The name, as shown in results."""
    weight: int | Unset = attrs.field(
        default=UNSET, validator=accept(check_weight, UNSET)
    )
    """Percent of the enrolled traffic, 0 to 100; not for the control."""
    variant_type: VariantType | Unset = attrs.field(
        default=UNSET, converter=to_patched_type
    )
    """How the variant changes the page."""
    redirect_url: str | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_site_url, UNSET, None)
    )
    """The path or https URL that visitors are redirected to; None clears it."""
    dom_modifications: tuple[DomModification, ...] | Unset | None = attrs.field(
        default=UNSET,
        converter=to_patched_modifications,
        validator=accept(check_modifications, UNSET, None),
    )
    """The changes to the page, in order; None clears them."""
    is_control: bool | Unset = attrs.field(
        default=UNSET, validator=accept(check_bool, UNSET)
    )
    """Whether this is the control."""

    def __attrs_post_init__(self) -> None:
        refuse_empty(self)
        check_payload(
            self.variant_type, self.redirect_url, self.dom_modifications, needed=True
        )


@attrs.frozen(kw_only=True)
class NewSettings(Draft):
    """Settings to create; the service chooses fields that are None."""

    name: str | None = attrs.field(
        default=None, validator=accept(check_filled_text, None)
    )
    """The display name."""
    cookie_name: str | None = attrs.field(
        default=None, validator=accept(check_text, None)
    )
    """The name of the cookie that stores a visitor's variant."""
    whitelist_domains: tuple[str, ...] | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_domains),
        validator=accept(check_texts, None),
    )
    """The hosts on which experiments run, without scheme and path.

    A host in an experiment's `url_patterns` must be listed here, else the experiment
    never runs, even after it has started.
    """


@attrs.frozen(kw_only=True)
class SettingsPatch(Draft):
    """Changes to settings; at least one field must be given."""

    name: str | Unset = attrs.field(
        default=UNSET, validator=accept(check_filled_text, UNSET)
    )
    """The display name."""
    cookie_name: str | Unset | None = attrs.field(
        default=UNSET, validator=accept(check_text, UNSET, None)
    )
    """The name of the cookie that stores a visitor's variant; None clears it."""
    whitelist_domains: tuple[str, ...] | Unset | None = attrs.field(
        default=UNSET,
        converter=to_patched_domains,
        validator=accept(check_texts, UNSET, None),
    )
    """The hosts on which experiments run, without scheme and path; None clears them.

    A host in an experiment's `url_patterns` must be listed here, else the experiment
    never runs.
    """

    def __attrs_post_init__(self) -> None:
        refuse_empty(self)


def refuse_empty(patch: attrs.AttrsInstance) -> None:
    """Raise an error for a patch that changes nothing."""
    if all(value is UNSET for value in attrs.astuple(patch, recurse=False)):
        raise ConfigurationError(f"{type(patch).__name__}: no field is given")


def check_payload(
    kind: VariantType | Unset | None,
    redirect_url: str | Unset | None,
    modifications: tuple[DomModification, ...] | Unset | None,
    *,
    needed: bool,
) -> None:
    """Check that a variant has one payload, and the one that its type needs."""
    redirects = isinstance(redirect_url, str)
    modifies = isinstance(modifications, tuple) and bool(modifications)
    if redirects and modifies:
        raise ConfigurationError(
            "redirect_url and dom_modifications must not both be given"
        )
    if kind is VariantType.REDIRECT:
        if modifies:
            raise ConfigurationError(
                "dom_modifications must not be given for variant_type redirect"
            )
        if needed and not redirects:
            raise ConfigurationError(
                "redirect_url must be given for variant_type redirect"
            )
    if kind is VariantType.DOM_MODIFICATIONS:
        if redirects:
            raise ConfigurationError(
                "redirect_url must not be given for variant_type dom_modifications"
            )
        if needed and not isinstance(modifications, tuple):
            raise ConfigurationError(
                "dom_modifications must be given for variant_type dom_modifications"
            )
