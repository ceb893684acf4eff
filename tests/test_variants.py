"""The variants of an experiment."""

from typing import Any

import pytest

from ours_experiments import (
    BadRequestError,
    Client,
    ConfigurationError,
    ConflictError,
    DomAction,
    DomModification,
    Experiment,
    NewVariant,
    NotFoundError,
    Style,
    Variant,
    VariantPatch,
    VariantType,
)
from ours_experiments.emulator import Emulator


MODIFICATIONS = (
    DomModification("h1", DomAction.SET_TEXT, "Hello"),
    DomModification("h2", DomAction.REMOVE),
)


@pytest.fixture
async def draft(client: Client, emulator: Emulator) -> Experiment:
    """Have a draft with a control of 50 percent and one treatment."""
    return await client.experiments.retrieve(emulator.seed_experiments(1)[0])


@pytest.fixture
def treatment(draft: Experiment) -> Variant:
    """Have the draft's treatment, a redirect."""
    _, treatment = draft.variants or ()
    return treatment


async def weights(client: Client, draft: Experiment) -> list[int]:
    """Get the weights of all variants, the control's first."""
    return [variant.weight async for variant in client.variants.list(draft.id)]


async def test_list(client: Client, emulator: Emulator, draft: Experiment) -> None:
    """The variants of one experiment are listed, the control first."""
    emulator.seed_experiments(1)
    listed = [variant async for variant in client.variants.list(draft.id)]
    assert tuple(listed) == draft.variants
    assert [variant.is_control for variant in listed] == [True, False]


async def test_list_in_pages(client: Client, emulator: Emulator) -> None:
    """Many variants come in pages, each once."""
    [crowded] = emulator.seed_experiments(1, variants=7)
    listing = client.variants.list(crowded, limit=3)
    assert [len(page.entities) async for page in listing.pages()] == [3, 3, 1]


async def test_list_page(client: Client, draft: Experiment) -> None:
    """A page goes on where the one before ended."""
    first = await client.variants.list_page(draft.id, limit=1)
    second = await client.variants.list_page(
        draft.id, limit=1, cursor=first.next_cursor
    )
    assert first.entities + second.entities == draft.variants
    assert (first.has_more, second.has_more) == (True, False)


async def test_list_of_an_unknown_experiment(client: Client) -> None:
    """An experiment that the account does not have has no variants."""
    assert (await client.variants.list_page("exp_1")).entities == ()


@pytest.mark.parametrize("experiment_id", ["", None])
async def test_list_of_no_experiment(client: Client, experiment_id: Any) -> None:
    """Without an experiment nothing is listed."""
    with pytest.raises((ConfigurationError, BadRequestError), match="experiment"):
        await client.variants.list_page(experiment_id)


async def test_list_of_an_id_that_cannot_be_sent(
    client: Client, emulator: Emulator
) -> None:
    """An id that no URL can carry is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match="experiment"):
        await client.variants.list_page("a\ud800")
    assert emulator.log.received() == 0


async def test_largest_page(client: Client, draft: Experiment) -> None:
    """All variants that an experiment can have fit one page."""
    page = await client.variants.list_page(draft.id, limit=200)
    assert page.entities == draft.variants


async def test_create_a_redirect(client: Client, draft: Experiment) -> None:
    """A redirect is created; the control has what is left of the traffic."""
    created = await client.variants.create(
        NewVariant(draft.id, "C", 20, redirect_url="https://example.com/c?d=ä")
    )
    assert created.variant_type is VariantType.REDIRECT
    assert created.redirect_url == "https://example.com/c?d=ä"
    assert (created.experiment_id, created.is_control) == (draft.id, False)
    assert await weights(client, draft) == [30, 50, 20]


async def test_create_modifications(client: Client, draft: Experiment) -> None:
    """Modifications are created in their order."""
    created = await client.variants.create(
        NewVariant(draft.id, "C", 20, dom_modifications=MODIFICATIONS)
    )
    assert created.variant_type is VariantType.DOM_MODIFICATIONS
    assert [
        (change.selector, change.action) for change in created.dom_modifications or ()
    ] == [("h1", DomAction.SET_TEXT), ("h2", DomAction.REMOVE)]
    assert await client.variants.retrieve(created.id) == created


async def test_create_styles(client: Client, draft: Experiment) -> None:
    """Styles may be given one by one; the service answers them in both ways."""
    style = DomModification("h1", "setStyle", styles=[Style("color", "#fff")])
    created = await client.variants.create(
        NewVariant(draft.id, "C", 20, dom_modifications=[style])
    )
    [kept] = created.dom_modifications or ()
    assert kept.styles == (Style("color", "#fff"),)
    assert kept.value == '{"color":"#fff"}'


async def test_create_for_an_unknown_experiment(client: Client) -> None:
    """An experiment that the account does not have is a `NotFoundError`."""
    with pytest.raises(NotFoundError):
        await client.variants.create(NewVariant("exp_1", "C", 20, redirect_url="/c"))


async def test_create_too_heavy(client: Client, draft: Experiment) -> None:
    """Treatments of more than 99 percent are a `BadRequestError`."""
    heavy = NewVariant(draft.id, "C", 50, redirect_url="/c")
    with pytest.raises(BadRequestError, match="weight"):
        await client.variants.create(heavy)


async def test_create_a_second_control(client: Client, draft: Experiment) -> None:
    """A second control is a `ConflictError`."""
    with pytest.raises(ConflictError, match="control"):
        await client.variants.create(NewVariant(draft.id, "C", 20, is_control=True))


@pytest.mark.parametrize("status", ["running", "paused", "completed"])
async def test_variants_of_what_is_no_draft(
    client: Client, emulator: Emulator, status: str
) -> None:
    """Once its experiment was started, no variant changes."""
    [started] = emulator.seed_experiments(1, status=status)
    _, treatment = (await client.experiments.retrieve(started)).variants or ()
    with pytest.raises(ConflictError):
        await client.variants.create(NewVariant(started, "C", 20, redirect_url="/c"))
    with pytest.raises(ConflictError):
        await client.variants.update(treatment.id, VariantPatch(name="C"))
    with pytest.raises(ConflictError):
        await client.variants.delete(treatment.id)
    assert emulator.log.received() == 4


@pytest.mark.parametrize(
    ("patch", "field", "expected"),
    [
        pytest.param(VariantPatch(name="C"), "name", "C", id="name"),
        pytest.param(VariantPatch(weight=10), "weight", 10, id="weight"),
        pytest.param(
            VariantPatch(redirect_url="/c"), "redirect_url", "/c", id="redirect"
        ),
    ],
)
async def test_update(
    client: Client,
    treatment: Variant,
    patch: VariantPatch,
    field: str,
    expected: object,
) -> None:
    """A patch changes its field."""
    updated = await client.variants.update(treatment.id, patch)
    assert getattr(updated, field) == expected
    assert await client.variants.retrieve(treatment.id) == updated


async def test_update_to_another_type(client: Client, treatment: Variant) -> None:
    """A variant of another type has the other payload, and the former no more."""
    patch = VariantPatch(
        variant_type="dom_modifications", dom_modifications=MODIFICATIONS
    )
    updated = await client.variants.update(treatment.id, patch)
    assert updated.variant_type is VariantType.DOM_MODIFICATIONS
    assert updated.redirect_url is None
    assert len(updated.dom_modifications or ()) == 2


async def test_written_back_as_read(client: Client, treatment: Variant) -> None:
    """Modifications that were read can be written back whole."""
    patch = VariantPatch(
        variant_type="dom_modifications",
        dom_modifications=[
            *MODIFICATIONS,
            DomModification("p", "setStyle", styles=[Style("color", "#fff")]),
            DomModification("img", "setAttribute", attribute={"alt": "A"}),
        ],
    )
    read = (await client.variants.update(treatment.id, patch)).dom_modifications
    again = await client.variants.update(
        treatment.id, VariantPatch(dom_modifications=read)
    )
    assert again.dom_modifications == read


async def test_update_of_the_weight_of_the_control(
    client: Client, draft: Experiment
) -> None:
    """The control's weight cannot be set: it is what the treatments leave."""
    control, _ = draft.variants or ()
    with pytest.raises(BadRequestError, match="weight"):
        await client.variants.update(control.id, VariantPatch(weight=10))


async def test_update_of_the_control_to_none(client: Client, draft: Experiment) -> None:
    """An experiment cannot lose its control."""
    control, _ = draft.variants or ()
    with pytest.raises(ConflictError, match="control"):
        await client.variants.update(control.id, VariantPatch(is_control=False))


async def test_delete(client: Client, draft: Experiment, treatment: Variant) -> None:
    """A deleted variant is answered once more; its traffic is the control's."""
    assert await client.variants.delete(treatment.id) == treatment
    assert await weights(client, draft) == [100]
    with pytest.raises(NotFoundError):
        await client.variants.delete(treatment.id)


async def test_delete_of_the_control(client: Client, draft: Experiment) -> None:
    """The control cannot be deleted."""
    control, _ = draft.variants or ()
    with pytest.raises(ConflictError, match="control"):
        await client.variants.delete(control.id)
