"""Views: each draws the frozen arrays it is given and emits what the person did. None computes a model."""
