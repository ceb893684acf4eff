"""The cyclic collector while a page is built: it waits, where that is worth it."""

import gc
import threading
from collections.abc import Callable, Iterator

import orjson
import pytest

from ours_experiments._codec.converter import decode_entities
from ours_experiments._codec.json_bytes import PAUSE_HELPS, loads
from ours_experiments.errors import DecodeError
from ours_experiments.models import Experiment
from tests.support.corpus import Corpus


pauses = pytest.mark.skipif(not PAUSE_HELPS, reason="this Python gains nothing by it")


@pytest.fixture
def page() -> bytes:
    """Spell a page's experiments."""
    return orjson.dumps(Corpus().experiments(100))


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Let the collector run after a few objects; put it right afterwards."""
    threshold = gc.get_threshold()
    gc.set_threshold(10, 10, 10)
    yield
    gc.enable()
    gc.set_threshold(*threshold)


def build(page: bytes) -> tuple[Experiment, ...]:
    """Do with a page what a listing does."""
    return decode_entities(Experiment, loads(page))


def collections(work: Callable[[], object]) -> int:
    """Count how often the collector runs during some work."""
    begun: list[str] = []

    def note(phase: str, _: object) -> None:
        if phase == "start":
            begun.append(phase)

    gc.callbacks.append(note)
    try:
        work()
    finally:
        gc.callbacks.remove(note)
    return len(begun)


@pauses
def test_waits(page: bytes) -> None:
    """It runs once after each step, and not hundreds of times in between."""
    build(page)
    assert collections(lambda: build(page)) < 10
    gc.disable()
    assert collections(lambda: build(page)) == 0


def test_goes_on(page: bytes) -> None:
    """After a page it runs as before."""
    assert len(build(page)) == 100
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(orjson.dumps([{"id": 1}] * 10), DecodeError, id="wrong-shape"),
        pytest.param(b"[" + b'"x",' * 2**15, ValueError, id="no-json"),
    ],
)
def test_goes_on_after_an_error(body: bytes, error: type[Exception]) -> None:
    """A page that cannot be built does not leave it switched off."""
    with pytest.raises(error):
        build(body)
    assert gc.isenabled()


def test_stays_off(page: bytes) -> None:
    """An application that switched it off finds it so, errors or not."""
    gc.disable()
    build(page)
    assert not gc.isenabled()
    with pytest.raises(DecodeError):
        decode_entities(Experiment, [{"id": 1}])
    assert not gc.isenabled()


def test_runs_for_other_threads(page: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the main thread touches the switch, which is the whole process's."""
    switched: list[str] = []
    monkeypatch.setattr(gc, "disable", lambda: switched.append("off"))
    built: list[object] = []
    thread = threading.Thread(target=lambda: built.append(build(page)))
    thread.start()
    thread.join()
    assert len(built) == 1
    assert not switched
    build(page)
    assert bool(switched) is PAUSE_HELPS


def test_small_and_large_are_read_alike(page: bytes) -> None:
    """How large an answer is makes no difference to what is read."""
    assert loads(page) == orjson.loads(page)
    assert loads(b'{"a":[1,null]}') == {"a": [1, None]}
