"""What every test of the workspace can use: `servicekit.testing.plugin`, and the check of the marks `req` and `part`."""

pytest_plugins = ["servicekit.testing.plugin", "attest.requirements.plugin"]
