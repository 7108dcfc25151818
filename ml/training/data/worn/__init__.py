"""What random people wear: hair, beards, glasses, hats, clothes, and things before the face."""
