"""What is written and read: the files of a result, and reports."""
