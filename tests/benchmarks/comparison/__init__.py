"""odeviz beside its peers: what is solved, by whom, how it is timed, and what came out."""
