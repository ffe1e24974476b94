"""Results: taken out of the workspaces of rows, put into a table, and asked about."""
