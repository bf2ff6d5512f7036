"""How Django writes dates and times, by language: with 24 hours, as everywhere else here."""
