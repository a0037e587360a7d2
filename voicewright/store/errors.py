"""What can go wrong with the object store; known to clients that have no store of their own."""


class StoreError(Exception):
    """The object store did not do what was asked; the message says which store and what to check."""


class ContendedError(StoreError):
    """Too many processes change one record at once; worth trying again."""


class ObjectMissingError(StoreError):
    """There is no object under that key."""
