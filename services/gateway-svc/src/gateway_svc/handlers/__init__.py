"""Use cases of the gateway: load, decide, save, announce."""
