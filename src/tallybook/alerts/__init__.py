"""One file a check: typed variables, columns, fingerprint, and what it finds in a view. Sends and
remembers nothing.
"""
