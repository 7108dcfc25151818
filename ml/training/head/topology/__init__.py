"""The mesh: layout, parts, UV, masks."""
