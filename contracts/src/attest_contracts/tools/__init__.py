"""Commands that keep the generated files and the released schemas in step with their sources."""
