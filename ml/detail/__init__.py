"""Mid-frequency detail: folds, lumps and asymmetries that no identity mode represents."""
