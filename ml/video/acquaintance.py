"""Whether a face in a frame is that of the clip's person.

The regressor's identity alone does not tell people apart; that of a head fitted to the frame does,
against those of the frames that the person was found from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, FoundFace, Observation, Photo
from ..errors import NoFaceFound
from ..fitting.agreement import likelihood_ratios
from ..pipeline.fit import fit_observation


@dataclass(frozen=True)
class Acquaintance:
    """The clip's person in P frames, each fitted alone.

    Attributes
    ----------
    identities: (P, I). vagueness: (P,), see ml.fitting.measures.
    """

    identities: FloatArray
    vagueness: FloatArray

    def doubt(self, photo: Photo, face: FoundFace) -> float:
        """Logarithm of how much likelier the face is somebody else's; see ml.fitting.agreement."""
        try:
            fitted = fit_observation(photo, Observation(face, face.output.landmarks, "dense"))
        except NoFaceFound:
            return float("inf")
        identities = np.stack([fitted.fit.coefficients.identity, *self.identities])
        vagueness = [fitted.measures.vagueness, *self.vagueness.tolist()]
        return float(likelihood_ratios(identities, vagueness)[0])
