"""From a face crop to coefficients, pose and dense landmarks with their uncertainty."""
