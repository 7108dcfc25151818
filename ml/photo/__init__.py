"""From a photo's file to face crops for the network: read, detect faces, crop."""
