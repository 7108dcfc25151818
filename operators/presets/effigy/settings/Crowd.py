import bpy

settings = bpy.context.scene.effigy

settings.texture_size = "512"
settings.level = "low"
settings.detail = "off"
