"""One file or package for each input format, and what several of them share."""
