"""``splatc view``: pictures in a browser, from a server of this machine's own or as a page that has all in itself.

catalogue.py knows which files were named; server.py and handler.py give them to browsers of this machine; bundle.py and page.py write
a page.
"""
