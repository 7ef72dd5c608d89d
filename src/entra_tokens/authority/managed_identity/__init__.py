"""The hosts that give a managed identity its tokens: one file each, chosen by `detect`."""
