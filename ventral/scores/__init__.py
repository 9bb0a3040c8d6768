"""How well predictions match responses, how well they could match, and with which uncertainty."""
