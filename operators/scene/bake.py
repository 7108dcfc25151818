"""What a head's materials make of its skin, as maps: baked by Cycles, node groups and all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import bpy
import numpy as np

from ...ml.errors import HeadError
from .detail import DETAIL
from .expression import BASIS
from .one_layout import Layout, lay_out, move_uv
from .place import scale_of

COLOR, NORMAL, ORM, MASKS = "basecolor", "normal", "orm", "masks"
SIZES = (1024, 2048, 4096)
# Of what the red, green and blue of a map are: inputs of the Principled BSDF, a number, or OPEN.
_OPEN = "OPEN"
_CHANNELS = {
    ORM: (_OPEN, "Roughness", "Metallic"),
    MASKS: ("Coat Weight", "Specular IOR Level", "Subsurface Weight"),
}
_UV = "effigy_bake"
# Occlusion is smooth: it is baked smaller than the other maps, with more rays.
_OCCLUSION_SHARE, _OCCLUSION_SAMPLES = 4, 16
# What is farther away does not shade, metres: lids shade eyes, cheeks do not.
_NEAR = 0.03
# Where a texture is too small for pores they are averaged, not picked out.
_PORES_SIZE, _MOST_SAMPLES = 2048, 4


@dataclass(frozen=True)
class _Target:
    """One material of the copy that is baked: its nodes.

    Attributes
    ----------
    shader: its Principled BSDF; None where it has none. plain: what it shows then, linear RGBA.
    image: the node of the image that is baked to. occlusion: that of the finished occlusion.
    """

    tree: bpy.types.NodeTree
    shader: bpy.types.Node | None
    plain: tuple[float, ...]
    output: bpy.types.Node
    image: bpy.types.Node
    occlusion: bpy.types.Node


def bake_maps(obj: bpy.types.Object, size: int) -> tuple[dict[str, bpy.types.Image], Layout]:
    """Colour, normals, occlusion-roughness-metal and masks of ``obj``, each ``size`` wide.

    The maps lie in the layout that is returned with them: most often the head's own. ``obj`` is
    in the scene and stays as it is. Raises HeadError.
    """
    scene = bpy.context.scene
    if not hasattr(scene, "cycles"):
        raise HeadError(
            "Maps are baked by Cycles, which is not enabled",
            "Enable the add-on Cycles Render Engine in the preferences",
        )
    layout = lay_out(obj.data, max(1, len(obj.material_slots)), SIZES[0])
    made: list[bpy.types.Image] = []
    try:
        with ExitStack() as cleanup:
            _prepare(scene, cleanup)
            copy = _resting_copy(obj, layout, cleanup)
            targets = _targets(copy, cleanup)
            found = _bake_all(obj.name, targets, size, made)
    except BaseException:
        bpy.data.batch_remove(made)
        raise
    return found, layout


def _bake_all(
    name: str, targets: list[_Target], size: int, made: list[bpy.types.Image]
) -> dict[str, bpy.types.Image]:
    cycles = bpy.context.scene.cycles
    small = max(64, size // _OCCLUSION_SHARE)
    occlusion = _image(f"{name} occlusion", small, made)
    cycles.samples = _OCCLUSION_SAMPLES
    _bake(targets, occlusion, "AO")
    cycles.samples = 1
    found = {COLOR: _image(f"{name} {COLOR}", size, made, color=True)}
    for target in targets:
        target.occlusion.image = occlusion
        _emit(target, _source(target, "Base Color"))
    _bake(targets, found[COLOR], "EMIT")
    for kind, channels in _CHANNELS.items():
        found[kind] = _image(f"{name} {kind}", size, made)
        for target in targets:
            _emit(target, _combined(target, channels))
        _bake(targets, found[kind], "EMIT")
    found[NORMAL] = _image(f"{name} {NORMAL}", size, made)
    cycles.samples = int(np.clip((_PORES_SIZE / size) ** 2, 1, _MOST_SAMPLES))
    for target in targets:
        _shade_normals(target)
    _bake(targets, found[NORMAL], "NORMAL")
    made.remove(occlusion)
    bpy.data.images.remove(occlusion)
    for image in found.values():
        image.pack()
    return found


def _prepare(scene: bpy.types.Scene, cleanup: ExitStack) -> None:
    """Set the scene up for baking until ``cleanup``."""
    render, world = scene.render, bpy.data.worlds.new(_UV)
    cleanup.callback(bpy.data.worlds.remove, world)
    world.light_settings.distance = _NEAR * scale_of(scene)
    _set(scene, cleanup, world=world)
    _set(render, cleanup, engine="CYCLES", use_bake_multires=False)
    _set(scene.cycles, cleanup, samples=1, use_adaptive_sampling=False, use_denoising=False)
    _set(scene.cycles, cleanup, device="CPU")
    for obj in scene.objects:  # what stands around would shade it
        if not obj.hide_render:
            _set(obj, cleanup, hide_render=True)


def _set(owner: bpy.types.bpy_struct, cleanup: ExitStack, **values: object) -> None:
    for name, value in values.items():
        cleanup.callback(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, value)


def _resting_copy(obj: bpy.types.Object, layout: Layout, cleanup: ExitStack) -> bpy.types.Object:
    """A copy of ``obj`` alone, at rest, selected and active, with the layout to bake to."""
    copy, mesh = obj.copy(), obj.data.copy()
    copy.data = mesh
    cleanup.callback(bpy.data.meshes.remove, mesh)  # and with it the copy
    copy.modifiers.clear()
    copy.hide_render = copy.hide_viewport = False
    keys = mesh.shape_keys
    if keys is not None:
        keys.animation_data_clear()
        for key in keys.key_blocks:
            if key.name not in (BASIS, DETAIL):
                key.value = 0.0
    layer = mesh.uv_layers.new(name=_UV)
    mesh.uv_layers.active = layer
    move_uv(mesh, layout, layer)
    bpy.context.scene.collection.objects.link(copy)
    cleanup.enter_context(_alone(bpy.context.view_layer, copy))
    return copy


@contextmanager
def _alone(layer: bpy.types.ViewLayer, obj: bpy.types.Object) -> Iterator[None]:
    """Let ``obj`` be the only selected object, and the active one, within the block."""
    active, selected = layer.objects.active, [each.name for each in layer.objects.selected]
    for each in layer.objects:
        each.select_set(each == obj)
    layer.objects.active = obj
    try:
        yield
    finally:
        for each in layer.objects:
            each.select_set(each.name in selected)
        layer.objects.active = active


def _targets(copy: bpy.types.Object, cleanup: ExitStack) -> list[_Target]:
    """Copies of the materials of ``copy``, with what baking needs, until ``cleanup``."""
    if not copy.material_slots:
        copy.data.materials.append(None)
    found = []
    for slot in copy.material_slots:
        original = slot.material
        material = original.copy() if original is not None else bpy.data.materials.new(_UV)
        cleanup.callback(bpy.data.materials.remove, material)
        slot.link, slot.material = "DATA", material
        if material.node_tree is None:
            material.use_nodes = True
        found.append(_target(material, original))
    return found


def _target(material: bpy.types.Material, original: bpy.types.Material | None) -> _Target:
    tree = material.node_tree
    has_nodes = original is not None and original.node_tree is not None
    shaders = [node for node in tree.nodes if node.type == "BSDF_PRINCIPLED" and has_nodes]
    output = tree.get_output_node("CYCLES") or tree.nodes.new("ShaderNodeOutputMaterial")
    image, occlusion = (tree.nodes.new("ShaderNodeTexImage") for _ in range(2))
    place = tree.nodes.new("ShaderNodeUVMap")
    place.uv_map = _UV
    tree.links.new(place.outputs["UV"], occlusion.inputs["Vector"])
    for node in tree.nodes:
        node.select = node == image
    tree.nodes.active = image
    plain = tuple(material.diffuse_color)
    return _Target(tree, shaders[0] if shaders else None, plain, output, image, occlusion)


def _source(target: _Target, name: str) -> bpy.types.NodeSocket | float | tuple[float, ...]:
    """What reaches an input of the shader: another node's output, or a constant."""
    if target.shader is None:
        return {"Base Color": target.plain, "Roughness": 0.5}.get(name, 0.0)
    socket = target.shader.inputs[name]
    if socket.is_linked:
        return socket.links[0].from_socket
    return tuple(socket.default_value) if socket.type == "RGBA" else socket.default_value


def _give(target: _Target, socket: bpy.types.NodeSocket, value: object) -> None:
    if isinstance(value, bpy.types.NodeSocket):
        target.tree.links.new(value, socket)
    else:
        socket.default_value = value


def _emit(target: _Target, value: object) -> None:
    """Let the material glow with ``value`` alone: it is baked as it is, without light."""
    emission = target.tree.nodes.new("ShaderNodeEmission")
    _give(target, emission.inputs["Color"], value)
    target.tree.links.new(emission.outputs[0], target.output.inputs["Surface"])


def _combined(target: _Target, channels: tuple[str, ...]) -> bpy.types.NodeSocket:
    node = target.tree.nodes.new("ShaderNodeCombineColor")
    for socket, name in zip(node.inputs, channels, strict=True):
        open_sky = target.occlusion.outputs["Color"]
        _give(target, socket, open_sky if name == _OPEN else _source(target, name))
    return node.outputs[0]


def _shade_normals(target: _Target) -> None:
    """Let only the shader's normals matter."""
    shader = target.tree.nodes.new("ShaderNodeBsdfDiffuse")
    if target.shader is not None and target.shader.inputs["Normal"].is_linked:
        _give(target, shader.inputs["Normal"], _source(target, "Normal"))
    target.tree.links.new(shader.outputs[0], target.output.inputs["Surface"])


def _bake(targets: list[_Target], image: bpy.types.Image, kind: str) -> None:
    for target in targets:
        target.image.image = image
    bpy.ops.object.bake(
        type=kind,
        margin=max(2, image.size[0] // 64),
        use_selected_to_active=False,
        normal_space="TANGENT",
        normal_r="POS_X",
        normal_g="POS_Y",
        normal_b="POS_Z",
        target="IMAGE_TEXTURES",
        use_clear=True,
        uv_layer=_UV,
    )


def _image(
    name: str, size: int, made: list[bpy.types.Image], *, color: bool = False
) -> bpy.types.Image:
    image = bpy.data.images.new(name, size, size, is_data=not color)
    # Exporters tell images apart by their paths.
    image.filepath_raw = f"//{name}.png"
    made.append(image)
    return image
