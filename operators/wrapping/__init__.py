"""A head of one's own topology, wrapped onto an Effigy head: its marks, the job, the result."""
