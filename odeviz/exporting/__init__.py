"""Results taken home: figures, tables, and the colours all views share. No Qt; matplotlib only when a figure is drawn."""
