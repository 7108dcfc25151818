"""Speech: viseme keys on a head, and lip-sync files as keyframes."""
