"""From a fitted head and its photo to an albedo texture and the light in the photo."""
