"""From a fitted head and its photo to a texture, and to a picture of the result."""
