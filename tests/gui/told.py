"""What a panel tells beside its picture."""


def shown_keys(panel):
    """Name and value of each entry of its legend."""
    return [(key.name, key.value) for key in panel.legend._keys]
