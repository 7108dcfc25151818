"""CLIP features, and the loss that compares a render with a photo by them.

Import the submodules: open_clip and torchvision take seconds to load.
"""
