"""A silent host delays its first event and nothing else; one event a step asks whether it answers again."""

import pytest

from graph.domain.errors import SourceUnreachable
from streams.media.circuit import Circuits


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuits(clock: Clock) -> Circuits:
    return Circuits(20, 60, longest=200, clock=clock)


def opened(circuits: Circuits, clock: Clock) -> None:
    assert circuits.failed("h")
    clock.now += 20
    assert not circuits.failed("h")


def test_the_first_event_of_a_silent_host_is_tried_again_for_twenty_seconds(circuits: Circuits, clock: Clock) -> None:
    assert circuits.failed("h")
    clock.now += 19.9
    assert circuits.failed("h")
    circuits.check("h")
    clock.now += 0.1
    assert not circuits.failed("h")
    with pytest.raises(SourceUnreachable) as refused:
        circuits.check("h")
    assert refused.value.host == "h"


def test_other_hosts_are_contacted_as_before(circuits: Circuits, clock: Clock) -> None:
    opened(circuits, clock)

    circuits.check("another")


def test_one_event_a_step_tests_the_host_and_the_steps_double_up_to_the_longest(
    circuits: Circuits, clock: Clock
) -> None:
    opened(circuits, clock)
    for step in (60, 120, 200, 200):
        clock.now += step - 0.1
        with pytest.raises(SourceUnreachable):
            circuits.check("h")
        clock.now += 0.1
        circuits.check("h")
        with pytest.raises(SourceUnreachable):
            circuits.check("h")
        assert not circuits.failed("h")


def test_an_answer_closes_the_circuit(circuits: Circuits, clock: Clock) -> None:
    opened(circuits, clock)

    circuits.answered("h")

    circuits.check("h")
    assert circuits.failed("h")
