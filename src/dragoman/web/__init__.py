"""Pages of the server's own, for people: no dialect's, and without script."""
