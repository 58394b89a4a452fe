"""Picture files <-> pixels. No other part knows a type of picture file."""
