"""Names of a head's meshes: a level ("low", "base" or "high"), with or without a closed bust."""

from __future__ import annotations

# What a name ends in where the mesh has nothing that closes the bust below.
OPEN = "-open"


def mesh_name(level: str, *, bust: bool) -> str:
    """The name of the mesh of a level, with the bust closed below or not."""
    return level if bust else level + OPEN


def level_and_bust(mesh: str) -> tuple[str, bool]:
    """The level of a :func:`mesh_name`, and whether it has a bust that is closed below."""
    return mesh.removesuffix(OPEN), not mesh.endswith(OPEN)
