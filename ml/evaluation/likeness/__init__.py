"""How recognisable a head is without its texture, by a face recogniser that is not ours."""
