"""Time: of one photo, of many, and of the renderer."""
