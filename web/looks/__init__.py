"""How values are told: times with their zone, money with its currency, colours that can be read."""
