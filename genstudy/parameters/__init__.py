"""Parameters: their names and tokens, the laws they follow, and the grammar in which people write them."""
