"""A real Rucio server on this machine to practise on: made, started, asked and stopped."""
