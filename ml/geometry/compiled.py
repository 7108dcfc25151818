"""Compiled loops whose code is kept between runs where that can be done, and made anew where not.

numba keeps compiled code in files. A folder that cannot be written to, a full disk or a damaged
file must cost some seconds of compiling and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache

logger = logging.getLogger(__name__)


class _Cache(FunctionCache):  # type: ignore[misc]
    """A cache that never fails: what cannot be read is made anew, and written if that works."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        # A damaged file is unpickled and linked: it may raise anything.
        except Exception as error:  # noqa: BLE001 - any fault of the cache costs time only
            logger.warning("compiled code in %s is damaged: %r", self.cache_path, error)
            self._forget()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:  # noqa: BLE001 - any fault of the cache costs time only
            logger.warning("compiled code is not kept in %s: %r", self.cache_path, error)
            self._forget()

    def _forget(self) -> None:
        """Leave no damaged list of what is there behind; without one, all is made anew."""
        try:
            self.flush()
        except Exception:  # noqa: BLE001 - as above
            self.disable()


def compiled(function: Callable[..., Any]) -> Any:
    """``function``, compiled on its first call; its code is kept for later processes."""
    dispatcher = njit(nogil=True)(function)
    try:
        dispatcher._cache = _Cache(function)
    except (OSError, RuntimeError) as error:
        # numba finds no folder that can be written to.
        logger.warning("compiled code of %s is not kept: %r", function.__name__, error)
    return dispatcher
