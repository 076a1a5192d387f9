"""What an adapter's author tests with: the contract suites and the simulator protocol. Public."""
