"""The sliders, in the order in which they are shown: their words, units and reach."""

from __future__ import annotations

from dataclasses import dataclass

MM, PERCENT = "mm", "%"


@dataclass(frozen=True)
class Slider:
    """One slider; at 0 it changes nothing.

    Attributes
    ----------
    unit: MM or PERCENT. reach: its values go from minus this to plus this; of lengths three times
    as far as people differ. help: what positive values do, and what is measured.
    """

    name: str
    label: str
    unit: str
    reach: float
    help: str


ASYMMETRY = "asymmetry"
GROUPS: dict[str, tuple[Slider, ...]] = {
    "Face": (
        Slider("face_width", "Face width", MM, 20, "Wider between the ears' fronts"),
        Slider("jaw_width", "Jaw width", MM, 22, "Wider between the angles of the jaw"),
        Slider("chin_height", "Chin height", MM, 11, "Longer from the lower lip to the chin's end"),
        Slider("chin_depth", "Chin depth", MM, 13, "Farther forward, measured from below the nose"),
        Slider("cheekbones", "Cheekbones", MM, 7, "Farther forward between eyes and mouth"),
        Slider("forehead", "Forehead", MM, 5, "Higher above the brows"),
    ),
    "Nose": (
        Slider("nose_length", "Nose length", MM, 9, "Longer from its root to the upper lip"),
        Slider("nose_width", "Nose width", MM, 12, "Wider between the nostrils' outer sides"),
        Slider("nose_bridge", "Nose bridge", MM, 10, "Higher over the eyes' inner corners"),
        Slider("nose_tip", "Nose tip", MM, 6, "Farther forward from the upper lip"),
    ),
    "Eyes": (
        Slider("eye_size", "Eye size", MM, 5, "Longer from corner to corner, and as much higher"),
        Slider("eye_spacing", "Eye spacing", MM, 10, "Pupils farther apart"),
        Slider("eye_tilt", "Eye tilt", MM, 3, "Outer corners higher than the inner ones"),
        Slider("eye_depth", "Eye depth", MM, 8, "Deeper behind brows and the nose's root"),
        Slider("brow_height", "Brow height", MM, 5, "Brows higher above the pupils"),
    ),
    "Mouth": (
        Slider("lip_fullness", "Lip fullness", MM, 9, "Both lips together higher"),
        Slider("mouth_width", "Mouth width", MM, 11, "Wider from corner to corner"),
    ),
    "Ears and neck": (
        Slider("ear_size", "Ear size", MM, 14, "Longer from top to lobe"),
        Slider("ear_angle", "Ear angle", MM, 9, "Rims farther out from the skull"),
        Slider("neck", "Neck width", MM, 35, "Wider halfway down"),
    ),
    "Person": (
        Slider("age", "Age", PERCENT, 150, "Older; 100 % from middle-aged to old"),
        Slider("sex", "Sex-typical shape", PERCENT, 150, "More as men's heads; below 0 as women's"),
        Slider("weight", "Weight", PERCENT, 150, "Heavier; 100 % from average to fat"),
        Slider(
            ASYMMETRY,
            "Asymmetry",
            PERCENT,
            100,
            "How much the two sides differ; -100 % makes them alike, 100 % twice as different",
        ),
    ),
}
SLIDERS = {slider.name: slider for group in GROUPS.values() for slider in group}
# Those that add a direction; asymmetry scales what the person has of it.
DIRECTED = tuple(name for name in SLIDERS if name != ASYMMETRY)
