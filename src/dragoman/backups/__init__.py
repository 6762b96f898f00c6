"""Backups: one file with all that a database holds, and the way back from it.

`making.py` and `restoring.py` are the two ways; `archive.py` is the file, `encryption.py` what may be around it.
"""
