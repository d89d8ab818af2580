"""What comes out of Rucio again: search, overview, proof, download, comparison."""
