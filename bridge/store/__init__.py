"""What happened and what is open: the only thing that stands between the steps."""
