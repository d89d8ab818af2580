"""Where files lie: mounted disks and storage systems, and what Rucio calls these places."""
