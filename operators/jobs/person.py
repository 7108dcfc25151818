"""One person from several photos: one request to the engine, one row a photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...ml.errors import HeadError
from ...ml.results.report import Row, failed_row
from .job import Request, hopeless


class PersonJob:
    """Reconstruct the person whom all ``photos`` show into ``folder``.

    Parameters
    ----------
    submit: sends a "person" request with this data to the engine.
    request: what the request holds besides photos and out.
    on_person: called with ``folder`` when its files are there.

    Attributes
    ----------
    rows: one a photo; "cancelled" until the engine has answered.
    error: why there is no head at all.
    """

    def __init__(
        self,
        submit: Callable[[dict[str, Any]], Request],
        photos: Sequence[Path],
        folder: Path,
        request: dict[str, Any],
        on_person: Callable[[Path], None],
    ) -> None:
        self.rows = [Row(str(photo), "cancelled") for photo in photos]
        self.error: HeadError | None = None
        self.fraction, self.message = 0.0, "Starting"
        self._submit, self._photos, self._folder = submit, list(photos), folder
        self._data, self._on_person = request, on_person
        self._request: Request | None = None

    def step(self) -> bool:
        try:
            return self._advance()
        except HeadError as error:
            if hopeless(self._request, error):
                raise
            self.error = error
            self.rows = [failed_row(photo, error) for photo in self._photos]
            return True

    def cancel(self) -> None:
        if self._request is not None:
            self._request.cancel()

    def _advance(self) -> bool:
        if self._request is None:
            named = {"photos": [str(photo) for photo in self._photos], "out": str(self._folder)}
            self._request = self._submit({**named, **self._data})
        done = self._request.poll()
        self.fraction, self.message = self._request.fraction, self._request.message
        if not done:
            return False
        self._on_person(self._folder)
        self.rows = [
            Row(**{**row, "heads": tuple(row["heads"])}) for row in self._request.result["rows"]
        ]
        return True
