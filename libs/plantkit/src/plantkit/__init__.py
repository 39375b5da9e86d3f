"""What every service knows of a plant.

Pure modules, which domain modules may import: `plantkit.time` (local days and zones), `plantkit.sites` (the zones of
the sites) and `plantkit.governing` (which version governs where). They import the standard library and `whenever`
alone. The other modules belong to the edges of a service.
"""
