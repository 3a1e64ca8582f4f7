"""Who is calling: secrets, tokens, passwords, and what slows down those who guess."""
