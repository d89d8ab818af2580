"""Waiting: for what may be over soon, as long as allowed, and never for a refusal."""

import threading
import time

import pytest

from ingest import patience as module
from ingest.patience import InterruptedWaitError, Patience, ServerAwayError, TransientError


class Flaky:
    """Fails some times, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


AWAY = TransientError("no answer", away=True)
BUSY = TransientError("the server failed", away=False)


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.001)


def test_a_call_that_succeeds_is_made_once() -> None:
    said: list[str] = []
    call = Flaky()
    assert Patience().insist(call, said.append, "server") == "answer"
    assert (call.calls, said) == (1, [])


def test_a_server_that_comes_back_is_waited_for() -> None:
    said: list[str] = []
    call = Flaky(*[AWAY] * 6)
    assert Patience(seconds=30, tries=2).insist(call, said.append, "server") == "answer"
    assert call.calls == 7
    assert [line.partition(";")[0] for line in said] == ["server: no answer", said[1]]
    assert "answers again" in said[1]


def test_waiting_ends() -> None:
    began = time.monotonic()
    with pytest.raises(ServerAwayError, match=r"server: no answer \(waited .* run the same command") as caught:
        Patience(seconds=0.05).insist(Flaky(*[AWAY] * 1000), lambda text: None, "server")
    assert time.monotonic() - began < 5
    assert caught.value.exit_code == 3


def test_a_server_that_fails_is_tried_a_few_times_only() -> None:
    call = Flaky(*[BUSY] * 100)
    with pytest.raises(TransientError):
        Patience(tries=3).insist(call, lambda text: None, "server")
    assert call.calls == 3


def test_a_refusal_is_not_repeated() -> None:
    call = Flaky(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        Patience().insist(call, lambda text: None, "server")
    assert call.calls == 1


def test_a_request_to_stop_ends_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 30.0)
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(InterruptedWaitError, match="same command"):
        Patience(stop=stop).insist(Flaky(AWAY), lambda text: None, "server")
    assert time.monotonic() - began < 10


def test_delays_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.5)
    waits: list[float] = []

    class Watch(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    Patience(seconds=1e9, stop=Watch()).insist(Flaky(*[AWAY] * 12), lambda text: None, "server")
    bounds = [min(module.LONGEST_DELAY, 0.5 * 2**number) for number in range(12)]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert len(set(waits)) == 12
