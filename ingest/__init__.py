"""Files into Rucio and out of it again, and a server to practise on."""
