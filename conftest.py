"""What every test of the workspace can use; see `servicekit.testing.plugin`."""

pytest_plugins = ["servicekit.testing.plugin"]
