"""The Avro core alone, in this process."""

from bench import avro_core
from bench.options import Options


def run(options: Options) -> None:
    print("\nAvro core, best of repeated runs")
    avro_core.small()
    avro_core.large()
