"""Many pictures at once: which become which files (plan), what of it is done already (journal), and who does the rest (pool, cluster)."""
