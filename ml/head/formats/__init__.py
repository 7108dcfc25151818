"""Head models from files: Effigy Head, and models that a person brings."""
