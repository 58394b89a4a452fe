"""Many pictures at once: which become which files (plan), what of it is done already (journal), how many at a time (share), and who does
the rest (pool, cluster).
"""
