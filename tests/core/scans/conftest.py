"""What the tests of all benchmarks on scans share: an invented head model, a person, folders."""

import pytest

from tests.support.scan_folders import person, scan_model


@pytest.fixture(scope="module")
def model():
    return scan_model()


@pytest.fixture(scope="module")
def truth(model):
    return person(model)


@pytest.fixture
def folders(tmp_path):
    """The folders of the data, which is still to be made, and of the results."""
    (tmp_path / "results").mkdir()
    return tmp_path / "data", tmp_path / "results"
