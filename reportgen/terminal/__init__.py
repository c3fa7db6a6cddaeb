"""What the command line shows: a live bar, or plain lines where there is no terminal, and tables."""
