"""The way to an authority and back: addresses, transport, answers, refusals. Nothing here knows a cache."""
