"""A head of another topology in the shape of an Effigy head, with its shape keys and texture."""
