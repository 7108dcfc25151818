"""Hair from the photo: strands on the scalp, brows and beard."""
