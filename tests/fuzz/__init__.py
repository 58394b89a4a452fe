"""Random damage, and what must hold whatever it does: target.py; mutate.py and seeds.py feed it, fuzz_decoder.py runs it under atheris."""
