"""Fixtures of the cpu backend's tests."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def one_machine() -> Iterator[None]:
    """Plans as of one kind of machine, wherever the tests run: its caches decide which schedule a problem gets."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CONVT_CPU_MACHINE", "zen4")
        yield
