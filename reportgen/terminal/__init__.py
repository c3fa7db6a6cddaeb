"""What the command line prints: a progress bar, or plain lines if there is no terminal, and tables."""
