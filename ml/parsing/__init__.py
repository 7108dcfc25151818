"""Face parsing: what each pixel round a face shows."""
