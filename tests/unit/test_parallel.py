from __future__ import annotations

import functools
import importlib
import operator
import os

import pytest
from threadpoolctl import threadpool_info

from tonegap.errors import MachineError
from tonegap.parallel import cores, in_order


def _read(count, seen):
    for number in range(count):
        seen.append(number)
        yield -number


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_results_keep_the_order_of_the_values(processes):
    """Whatever the number of processes and the size of chunks, the last of which is short."""
    values = list(range(-50, 0))
    assert list(in_order(abs, values, processes, chunk=4, worker="of the test")) == [
        abs(value) for value in values
    ]
    assert list(in_order(abs, [], processes, worker="of the test")) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_values_are_read_as_results_are_consumed(processes):
    """A slow consumer fills no memory: reading ahead is bounded."""
    seen: list[int] = []
    results = in_order(abs, _read(1000, seen), processes, worker="of the test")
    assert seen == []
    for expected in range(100):
        assert next(results) == expected
        assert len(seen) <= expected + 1 + 8 * processes
    results.close()
    assert len(seen) < 200


def test_a_killed_worker_is_one_line():
    """The message says whose worker it was and what to do."""
    results = in_order(os._exit, [1], 2, worker="that exits", remedy="buy memory")
    message = "a worker that exits was killed, .* memory; buy memory, then run it again"
    with pytest.raises(MachineError, match=message):
        list(results)


def test_every_process_keeps_to_one_thread():
    """The libraries that the set-up has loaded are limited too, and freed again here."""
    setup = functools.partial(importlib.import_module, "scipy.linalg")
    setup()
    before = threadpool_info()
    found = list(
        in_order(operator.call, [threadpool_info] * 4, 2, worker="of the test", setup=setup)
    )
    assert all(found)
    assert {library["num_threads"] for libraries in found for library in libraries} == {1}
    assert threadpool_info() == before


def test_an_error_of_the_function_is_raised():
    """It is no broken pool."""
    with pytest.raises(TypeError):
        list(in_order(abs, ["text"], 2, worker="of the test"))


def test_there_is_a_core():
    """At least this process has one."""
    assert 1 <= cores() <= (os.cpu_count() or 1)
