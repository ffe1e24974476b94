"""Maestro: its loader, its command line, its process and its status. Nobody else knows of them."""
