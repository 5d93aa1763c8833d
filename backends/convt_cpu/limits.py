"""threadpoolctl's view of the pool: `threadpool_info` lists it, `threadpool_limits` limits it for the calling thread."""

from __future__ import annotations

from threadpoolctl import LibController, register

from ._threads import thread_count

__all__ = ["PoolController"]


class _Count(int):
    """A number of threads that knows the limit that it came from: putting it back puts back that one, or none."""

    limit: int


class PoolController(LibController):  # type: ignore[misc]
    """Of the library that threadpoolctl finds by the name of its file."""

    user_api = "openmp"
    internal_api = "convt"
    filename_prefixes = ("_convt_pool",)
    check_symbols = ("convt_pool_get_num_threads", "convt_pool_set_num_threads")

    def get_num_threads(self) -> int:
        """What a call would use here and now; 1 where it would be refused."""
        try:
            count = _Count(thread_count())
        except (ValueError, RuntimeError):
            count = _Count(1)
        count.limit = self.dynlib.convt_pool_get_num_threads()
        return count

    def set_num_threads(self, num_threads: int) -> None:
        """Limit the calls of this thread; less than 1 counts as 1."""
        self.dynlib.convt_pool_set_num_threads(num_threads.limit if isinstance(num_threads, _Count) else max(1, num_threads))

    def get_version(self) -> None:
        """None: it is a part of convt."""


register(PoolController)
