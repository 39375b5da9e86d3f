"""What `attest bench` measures: ratios in one run, each beside a baseline of the same run."""
