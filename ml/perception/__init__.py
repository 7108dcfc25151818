"""CLIP features, and the loss that compares a render with a photo in them.

Imported by submodule, because open_clip and torchvision take seconds to load.
"""
