"""The head model: its reach, its topology, its UV layout, its contacts."""
