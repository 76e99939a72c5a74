"""Solves in which every sample has its own times, steps, error control and status."""
