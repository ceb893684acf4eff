"""Match the treatments of a spec with an experiment's variants, and compare them."""

import attrs

from ours_experiments._unset import UNSET, Unset
from ours_experiments.drafts import NewVariant, VariantPatch
from ours_experiments.models import Variant, VariantType
from ours_experiments.specs.changes import FieldChange
from ours_experiments.specs.fields import part_changes, sendable
from ours_experiments.specs.parts import (
    MAX_TREATMENTS,
    VariantSpec,
    given,
    to_new_variant,
    weights_problem,
)
from ours_experiments.specs.spec import ExperimentSpec


@attrs.frozen
class Pair:
    """A treatment of a spec and the variant that it means."""

    spec: VariantSpec
    """What it is to be like."""
    variant: Variant
    """What it is."""
    fields: tuple[FieldChange, ...]
    """What differs."""

    @property
    def is_raised(self) -> bool:
        """Return whether the weight grows."""
        return given(self.spec.weight, 0) > self.variant.weight


@attrs.frozen(kw_only=True)
class Match:
    """How the treatments of a spec and the variants of an experiment belong."""

    pairs: tuple[Pair, ...] = ()
    """What is in both."""
    new: tuple[VariantSpec, ...] = ()
    """What is only in the spec."""
    extra: tuple[Variant, ...] = ()
    """What is only in the experiment."""
    control: Pair | None = None
    """The control, where the spec gives it another name."""
    conflicts: tuple[str, ...] = ()
    """Why treatments cannot be matched or changed."""

    @property
    def lowered(self) -> tuple[Pair, ...]:
        """Return the pairs to patch before others are deleted, raised or created."""
        control = () if self.control is None else (self.control,)
        pairs = (*control, *self.pairs)
        return tuple(p for p in pairs if p.fields and not p.is_raised)

    @property
    def raised(self) -> tuple[Pair, ...]:
        """Return the pairs to patch once their weight is free."""
        return tuple(p for p in self.pairs if p.fields and p.is_raised)


def match_variants(spec: ExperimentSpec, variants: tuple[Variant, ...]) -> Match:
    """Match by id, else by name, else by former name; the control by itself."""
    control = next((variant for variant in variants if variant.is_control), None)
    managed_control = None
    wanted = UNSET if isinstance(spec.control, Unset) else spec.control.name
    if control is not None and wanted not in (UNSET, control.name):
        as_variant = VariantSpec(id=control.id, name=wanted)
        managed_control = paired(as_variant, control)
    if isinstance(spec.variants, Unset):
        return Match(control=managed_control)
    return matched(spec.variants, variants, managed_control)


def matched(
    specs: tuple[VariantSpec, ...], variants: tuple[Variant, ...], control: Pair | None
) -> Match:
    """Match treatments, and find why some cannot be."""
    free = {variant.id: variant for variant in variants if not variant.is_control}
    names = {variant.name for variant in variants}
    found: dict[int, Variant] = {}
    new: list[VariantSpec] = []
    conflicts: list[str] = []
    # Ids first: what they name is not free for names.
    for index, wanted in sorted(enumerate(specs), key=lambda item: item[1].id is UNSET):
        if isinstance(wanted.id, str):
            same = [free[wanted.id]] if wanted.id in free else []
        else:
            same = [variant for variant in free.values() if variant.name == wanted.name]
            if not same and wanted.name not in names:
                same = [v for v in free.values() if v.name == wanted.was]
        if len(same) == 1:
            found[index] = free.pop(same[0].id)
        elif same:
            ids = ", ".join(variant.id for variant in same)
            conflicts.append(
                f"variant {same[0].name}: {len(same)} have the name ({ids}): "
                "put id: into the file"
            )
        elif isinstance(wanted.id, str):
            conflicts.append(f"no treatment of the experiment has the id {wanted.id}")
        else:
            new.append(wanted)
    extra = () if conflicts else tuple(free.values())
    pairs = [paired(specs[index], found[index]) for index in sorted(found)]
    conflicts += [
        f"variant {variant.name}: is new and needs a weight"
        for variant in new
        if variant.weight is UNSET
    ]
    total = sum(given(pair.spec.weight, pair.variant.weight) for pair in pairs)
    total += sum(given(variant.weight, 0) for variant in new)
    differs = bool(new) or any(pair.fields for pair in pairs)
    if differs and not conflicts and total > MAX_TREATMENTS:
        conflicts.append(weights_problem(total))
    return Match(
        pairs=tuple(pairs),
        new=tuple(new),
        extra=extra,
        control=control,
        conflicts=tuple(conflicts),
    )


def paired(spec: VariantSpec, variant: Variant) -> Pair:
    """Compare a variant with its spec."""
    wanted = with_one_payload(spec, variant)
    names = ("name", "weight", "redirect_url", "dom_modifications")
    return Pair(wanted, variant, tuple(part_changes("", wanted, variant, names)))


def with_one_payload(spec: VariantSpec, variant: Variant) -> VariantSpec:
    """Let a spec's payload replace one of the other kind that it does not mention."""
    redirects = isinstance(spec.redirect_url, str)
    if redirects and spec.dom_modifications is UNSET and variant.dom_modifications:
        return attrs.evolve(spec, dom_modifications=None)
    modifies = isinstance(spec.dom_modifications, tuple) and spec.dom_modifications
    if modifies and spec.redirect_url is UNSET and variant.redirect_url:
        return attrs.evolve(spec, redirect_url=None)
    return spec


def variant_patch(pair: Pair) -> VariantPatch:
    """Build the patch that brings a variant to its spec; something has to differ."""
    values: dict[str, object] = {
        change.path: getattr(pair.spec, change.path) for change in pair.fields
    }
    old = pair.variant.dom_modifications or ()
    new = pair.spec.dom_modifications
    if "dom_modifications" in values and not isinstance(new, Unset) and new is not None:
        values["dom_modifications"] = sendable(new, old)
    if values.get("redirect_url") and old:
        values["variant_type"] = VariantType.REDIRECT
    elif values.get("dom_modifications") and pair.variant.redirect_url:
        values["variant_type"] = VariantType.DOM_MODIFICATIONS
    return VariantPatch(**values)  # type: ignore[arg-type]


def new_variant(spec: VariantSpec, experiment_id: str) -> NewVariant:
    """Build the draft of a treatment that has a name and a weight."""
    draft = to_new_variant(spec, experiment_id)
    if draft.dom_modifications is None:
        return draft
    return attrs.evolve(draft, dom_modifications=sendable(draft.dom_modifications))
