"""What the agents' desk shows and lets them do; ``tickets.admin`` puts it on pages."""
