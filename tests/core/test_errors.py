"""Causes in words: memory, disk, permission and packages are called what they are."""

import errno

import pytest

from ml.errors import EngineUnavailable, HeadError, NoFaceFound, Unexpected, explained


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full: out/me "),
        (OSError(errno.ENOSPC, "No space", "other/x.npz"), "disk is full: other/x.npz "),
        (PermissionError(errno.EACCES, "Permission denied"), "Access to out/me is not allowed"),
        (OSError(errno.EROFS, "Read-only file system"), "out/me is on a disk that is read-only"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many files"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "not enough memory for out/me"),
        (OSError(errno.EFBIG, "File too large", "a.npz"), "disk of a.npz takes no file that large"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "a/b"), "The path a/b is too long"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a/b"), "a/b is not there"),
        (FileExistsError(errno.EEXIST, "File exists", "a/b"), "a/b is no folder: a file or a"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"), "a/b is no folder: a file"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a/b"), "a/b is a folder"),
        (OSError(errno.ELOOP, "Too many links", "a/b"), "leads back to itself"),
        (OSError(errno.ENOTCONN, "Not connected", "a/b"), "The disk of a/b does not answer (Not"),
        (MemoryError(), "not enough memory for out/me"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "memory"),
        (ImportError("libtorch.so: cannot allocate memory in static TLS"), "memory"),
        (RuntimeError("cannot cache function 'fill': no locator available"), "stored anywhere"),
    ],
)
def test_a_cause_is_named_with_its_place_and_a_remedy(error, words):
    found = explained(error, "out/me")
    assert words in found.message
    assert found.hint
    assert not isinstance(found, Unexpected)


@pytest.mark.parametrize(
    ("number", "words"), [(206, "path out/me is too long"), (112, "disk is full")]
)
def test_windows_own_numbers_say_more(number, words):
    error = OSError(errno.ENOENT, "not found")
    error.winerror = number
    assert words in explained(error, "out/me").message


def test_a_missing_package_is_named():
    found = explained(ModuleNotFoundError("No module named 'cv2'", name="cv2.data"))
    assert isinstance(found, EngineUnavailable)
    assert found.message == "This Python lacks cv2"
    assert "Install engine" in found.hint


def test_what_nobody_knows_names_the_log_and_what_is_known_stays():
    found = explained(ZeroDivisionError("by zero"), "me.jpg", "engine.log")
    assert (found.code, type(found)) == ("unexpected", Unexpected)
    assert found.hint == "Please report this with the log engine.log"
    known = NoFaceFound("None", "Another")
    assert explained(known, "me.jpg") is known
    assert isinstance(found, HeadError)
