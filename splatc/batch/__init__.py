"""Many pictures at once: which become which files (plan), which are finished (journal), how many at a time (share), and the workers (pool,
cluster).
"""
