"""What each part of the method, and each kind of training data, adds."""
