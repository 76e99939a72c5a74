"""What the command line does, one module a command; :mod:`odeviz.cli` knows them by name.

A command's module has ``options(parser)``, which declares its options, and ``run(given) -> int``, which does
it and returns the exit code. None imports torch, matplotlib or Qt before it needs them.
"""
