"""Published benchmarks on scans: REALY, NoW and FaceScape."""
