"""Adapters for clients that cannot take a provider as it is: one module a client, which needs that client installed."""
