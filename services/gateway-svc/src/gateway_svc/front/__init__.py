"""The front door: who calls, what is let through, what every answer bears."""
