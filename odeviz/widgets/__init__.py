"""Generic controls that know nothing of neural ODEs, and the one theme that colours them."""
