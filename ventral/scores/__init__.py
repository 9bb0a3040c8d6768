"""How well predictions match responses, how well they could, and how sure we are."""
