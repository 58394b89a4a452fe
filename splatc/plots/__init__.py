"""Pictures of a file for people: what it shows, what it is made of, where it errs. figure.py gathers, sheet.py and page.py draw."""
