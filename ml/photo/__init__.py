"""From a file to the crop that the network sees: read, find faces, crop."""
