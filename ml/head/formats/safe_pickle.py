"""Read arrays from a pickle without executing anything that the pickle names.

Model files from Python 2 are pickles of numpy, scipy and chumpy objects. Every class that such a
file may name is replaced here by a stand-in that only stores plain values, so that no library's
code processes the file's data; arrays are rebuilt from their raw bytes. Any other name is refused
before it is looked up.
"""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np


class RefusedClass(pickle.UnpicklingError):
    """The pickle names a class or function that no model file needs."""


class _Dtype:
    """Stands in for numpy.dtype; accepts plain numbers and text only."""

    def __init__(self, code: str, *_: object) -> None:
        self.made = np.dtype(str(code))
        if self.made.kind not in "biufSU":
            raise pickle.UnpicklingError(f"arrays of type {code!r} are not read")

    def __setstate__(self, state: tuple) -> None:
        if state[2:5] != (None, None, None):
            raise pickle.UnpicklingError("structured arrays are not read")
        self.made = self.made.newbyteorder(state[1])


class _Array:
    """Stands in for numpy.ndarray; ``value`` is built from the raw bytes."""

    value: np.ndarray | None = None

    def __setstate__(self, state: tuple) -> None:
        *_, shape, dtype, fortran, raw = state
        self.value = _from_bytes(raw, dtype).reshape(shape, order="F" if fortran else "C")


class _Record:
    """Stands in for any other object; stores its attributes."""

    def __init__(self, *_: object) -> None:
        self.attributes: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.attributes = state


class _Leaf(_Record):
    """chumpy.ch.Ch: an array in ``x``."""


class _Select(_Record):
    """chumpy.reordering.Select: items ``idxs`` of ``a``, in ``preferred_shape``."""


def _from_bytes(raw: Any, dtype: _Dtype) -> np.ndarray:
    # Python 2's byte strings arrive as latin-1 text.
    data = raw.encode("latin1") if isinstance(raw, str) else bytes(raw)
    return np.frombuffer(data, dtype.made)


def _blank_array(*_: object) -> _Array:
    return _Array()


def _buffer_array(raw: Any, dtype: _Dtype, shape: tuple, order: str) -> np.ndarray:
    return _from_bytes(raw, dtype).reshape(shape, order="F" if order == "F" else "C")


def _scalar(dtype: _Dtype, raw: Any) -> Any:
    return _from_bytes(raw, dtype)[0]


def _rebuilt(kind: Any, *_: object) -> Any:
    # copyreg creates an empty object of this class; only our stand-ins may be created.
    return kind() if kind in (_Leaf, _Select, _Record) else _Record()


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"text encoding {encoding!r} is not read")
    return text.encode("latin1")


def _empty_set(items: Any = ()) -> set:
    return set(items)


_STAND_INS: dict[tuple[str, str], Callable] = {
    ("copyreg", "_reconstructor"): _rebuilt,
    ("builtins", "object"): _Record,
    ("builtins", "set"): _empty_set,
    ("collections", "OrderedDict"): dict,
    ("_codecs", "encode"): _encoded,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("chumpy.ch", "Ch"): _Leaf,
    ("chumpy", "Ch"): _Leaf,
    ("chumpy.reordering", "Select"): _Select,
}
# Python 2's names of the same modules.
for _old, _new in (("copy_reg", "copyreg"), ("__builtin__", "builtins")):
    _STAND_INS |= {(_old, name): made for (home, name), made in _STAND_INS.items() if home == _new}
# numpy moved "core" to "_core" in version 2.
for _core in ("numpy.core", "numpy._core"):
    _STAND_INS[f"{_core}.multiarray", "_reconstruct"] = _blank_array
    _STAND_INS[f"{_core}.multiarray", "scalar"] = _scalar
    _STAND_INS[f"{_core}.numeric", "_frombuffer"] = _buffer_array


# A FLAME file has some hundred.
_MOST_OBJECTS = 1_000_000


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _STAND_INS.get((module, name))
        if found is not None:
            return found
        # Objects that we do not need (sparse regressors, chumpy's internals) become records.
        if module.split(".")[0] == "chumpy" or (
            module.startswith("scipy.sparse") and name in ("csc_matrix", "csr_matrix")
        ):
            return _Record
        raise RefusedClass(f"{module}.{name}")


def read_pickle(stream: BinaryIO) -> dict[str, np.ndarray]:
    """The arrays of a pickled dictionary by name; other values are left out.

    Raises
    ------
    RefusedClass: it names a class or function that is not on the list; nothing was executed.
    pickle.UnpicklingError, ValueError and others: the file is damaged.
    """
    _check_memo(stream)
    content = _Reader(stream, encoding="latin1").load()
    if not isinstance(content, dict):
        raise pickle.UnpicklingError("it holds no dictionary")
    values = {str(name): _array_of(value) for name, value in content.items()}
    return {name: value for name, value in values.items() if value is not None}


def _check_memo(stream: BinaryIO) -> None:
    """Raise UnpicklingError for a number of an object for which the unpickler would fill memory."""
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > _MOST_OBJECTS:
            raise pickle.UnpicklingError("it numbers its objects absurdly")
    stream.seek(0)


def _array_of(value: Any) -> np.ndarray | None:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, _Leaf):
        return _array_of(value.attributes.get("x"))
    if isinstance(value, _Select):
        whole, which = (_array_of(value.attributes.get(name)) for name in ("a", "idxs"))
        if whole is None or which is None:
            return None
        return whole.ravel()[which].reshape(value.attributes["preferred_shape"])
    return None
