"""What is installed, found and reachable here, and what will not work."""
