"""Files that must be refused: cases_*.py say what is wrong with each, in words; write.py writes them (README.md lists them)."""
