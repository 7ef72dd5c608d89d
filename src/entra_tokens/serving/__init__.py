"""A managed-identity endpoint on this machine, backed by any credential: `serve` and `exec --serve`."""
