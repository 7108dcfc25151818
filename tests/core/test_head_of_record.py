"""A head made anew from its record: Blender's own Python has NumPy only."""

import numpy as np
import pytest

from ml.data import HeadCoefficients
from ml.errors import HeadError
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.results.reconstruction import Reconstruction, load_reconstruction, save_reconstruction
from ml.results.record import head_of_record
from tests.support.synthetic_head import synthetic_reconstruction


def saved(directory):
    """What is recorded of a head that Effigy Head made, and what its files give."""
    random, model = np.random.default_rng(4), load_head_model()
    coefficients = HeadCoefficients(
        random.normal(size=model.identity_count).astype(np.float32),
        random.uniform(0, 1, len(model.expression_names)).astype(np.float32),
    )
    fields = vars(synthetic_reconstruction()) | {
        "coefficients": coefficients,
        "mesh": person_mesh(model, person_of(model, coefficients)),
    }
    head = Reconstruction(**fields)
    save_reconstruction(head, directory)
    return head.to_json(), load_reconstruction(directory)


def test_the_record_gives_what_the_files_give(tmp_path):
    record, kept = saved(tmp_path)
    for name in ("face_box", "landmarks_68", "landmarks_478", "timings_ms", "settings", "images"):
        record.pop(name, None)
    made = head_of_record(record)
    for name, values in vars(kept.mesh).items():
        other = getattr(made.mesh, name)
        if name in ("masks", "joints"):
            assert values.keys() == other.keys()
            values, other = (np.concatenate([*each.values()]) for each in (values, other))
        if name.endswith("names"):
            assert values == other
        else:
            # Keys are rounded to steps of a micrometre, identities to six decimals.
            assert np.abs(values - other).max() <= (1e-6 if name != "shape_keys" else 2e-6), name
    assert made.provenance == kept.provenance
    assert np.array_equal(made.coefficients.identity, kept.coefficients.identity)
    assert (made.state, made.detail) == (None, None)
    assert np.isnan(made.face_box).all()


@pytest.mark.parametrize("damage", [{"identity": []}, {"camera": None}, {"expression": {}}])
def test_a_damaged_record_is_refused_in_words(damage):
    record = synthetic_reconstruction().to_json() | damage
    with pytest.raises(HeadError, match=r"head of Ada\.jpg is incomplete.* Reconstruct the photo"):
        head_of_record(record)


def test_it_needs_numpy_only(run_code):
    code = """
import sys
from tests.support.synthetic_head import synthetic_reconstruction
from ml.results.record import head_of_record
record = synthetic_reconstruction().to_json()
for level in ("low", "base", "high"):
    head_of_record(record | {"level": level})
print(*{"scipy", "cv2", "torch", "numba", "PIL"} & set(sys.modules))
"""
    found = run_code(code, capture_output=True, text=True, timeout=120)
    assert found.stdout.split() == []
