"""An event loop's selector that keeps time better than a millisecond."""

import select
import selectors


class ExactSelector(selectors.DefaultSelector):
    """Waits to the microsecond: epoll rounds its timeout up to whole milliseconds, select does not."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors.BaseSelector`."""
        if timeout is not None and timeout > 0:
            select.select([self.fileno()], [], [], timeout)
            timeout = 0
        return super().select(timeout)
