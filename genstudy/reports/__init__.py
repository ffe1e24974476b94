"""The report of a campaign: one file of HTML that needs nothing besides itself."""
