"""Results taken home: figures, tables, and the colours all views share.

No Qt; matplotlib is imported only when a figure is drawn.
"""
