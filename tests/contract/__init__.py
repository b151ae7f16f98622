"""What Confluent's own tests assert of a registry, as tests of ours: one row of `rows.ROWS`, one test."""
