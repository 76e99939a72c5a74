"""torchdiffeq's interface to the engine."""
