"""The ways in which a solve is differentiated."""
