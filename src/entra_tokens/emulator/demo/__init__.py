"""The whole main job against the emulator: `python -m entra_tokens.emulator.demo`."""
