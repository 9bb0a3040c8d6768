"""Batches that are made in another thread while the one before is used."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetched(items: Iterable[T], ahead: int = 1) -> Iterator[T]:
    """The same items in the same order; another thread makes the next ones while one is used.

    Args:
        items: a generator, `map`, or another iterable that makes its items one by one, in the other thread.
        ahead: how many items, at most, wait ready; each takes memory.
    """
    source, end = iter(items), object()
    with ThreadPoolExecutor(1) as maker:
        waiting = deque(maker.submit(next, source, end) for _ in range(ahead))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(maker.submit(next, source, end))
            yield item  # type: ignore[misc]
