"""For the tests of the core: what several benchmarks measure against."""

import numpy as np
import pytest

from ml.evaluation.synthetic.reference import REGIONS, Reference
from ml.head.storage import load_head_model


@pytest.fixture(scope="session")
def reference() -> Reference:
    """The head that ships, in the place of the one that has other vertices."""
    model = load_head_model()
    regions = {name: model.masks[name] > 0.5 for name in REGIONS}
    return Reference(model, regions, np.ones(len(model.expression_names), np.float32))
