"""Load a specification and a pgen as `maestro run` does, and time the generator's call alone.

    python load_pgen.py SPEC PGEN [KEY:VALUE]...

Prints as JSON the seconds, the number of rows, and the values of the first and the last row.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

from maestrowf.datastructures.environment import Variable
from maestrowf.specification import YAMLSpecification


def load_module(path: str) -> Any:
    """Import a pgen from its file."""
    spec = importlib.util.spec_from_file_location("custom_gen", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Time the call and print what came out."""
    spec, pgen, *pargs = sys.argv[1:]
    environment = YAMLSpecification.load_specification(spec).get_study_environment()
    environment.remove("OUTPUT_PATH")
    output, root = str(Path("out").absolute()), Variable("SPECROOT", str(Path(spec).absolute().parent))
    environment.add(Variable("OUTPUT_PATH", output))
    environment.add(root)
    arguments = {**dict(parg.split(":", 1) for parg in pargs), "OUTPUT_PATH": output, "SPECROOT": root}
    module = load_module(pgen)
    start = time.perf_counter()
    generator = module.get_custom_generator(environment, **arguments)
    taken = time.perf_counter() - start
    columns = list(generator.parameters.values())
    found = {
        "seconds": taken,
        "rows": len(columns[0]),
        "first": [column[0] for column in columns],
        "last": [column[-1] for column in columns],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
