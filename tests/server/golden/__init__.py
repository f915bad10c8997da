"""Files of every format that was ever written, kept as they were, and what they hold."""
