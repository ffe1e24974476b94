"""How large a batch should be: costs, budgets, and the sum explained."""
