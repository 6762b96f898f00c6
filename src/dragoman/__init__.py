"""Dragoman: one account store, every client's own login dialect.

Importing this package imports nothing else. Programs take what they need by name: a product's client from
``dragoman.dialects.<product>``, the server's ASGI application from ``dragoman.app``.
"""

__version__ = "0.1.0"
