"""Speed and memory of the bridge, measured against a bot written by hand. See README.md."""
