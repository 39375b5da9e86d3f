"""The demonstration: a plant, eight people more, and the story of a revised procedure."""
