"""What `rd_bench.py` is made of: codecs, results on disk, Bjøntegaard deltas, published figures, the report."""
