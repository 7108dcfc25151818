"""From a random person to a picture: drawing, light, background, lens."""
