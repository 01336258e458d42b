"""`make schemas`: write the JSON Schemas, the AsyncAPI document and its page again."""

import argparse
from pathlib import Path

from .asyncapi import document, page
from .schemas import RELEASED, SCHEMAS, as_text, models, schema_of

DOCS = Path(__file__).parents[4] / "docs" / "events"


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    files = {SCHEMAS / f"{model.TYPE}.json": as_text(schema_of(model)) for model in models()}
    files[DOCS / "asyncapi.json"] = as_text(document())
    files[DOCS / "README.md"] = page()
    return files


def release() -> list[Path]:
    """Append today's schemas to `released/` where they differ from the newest released one."""
    written = []
    for model in models():
        text = as_text(schema_of(model))
        earlier = sorted(RELEASED.glob(f"{model.TYPE}.*.json"), key=_number)
        if earlier and earlier[-1].read_text() == text:
            continue
        path = RELEASED / f"{model.TYPE}.{len(earlier) + 1}.json"
        path.write_text(text)
        written.append(path)
    return written


def _number(path: Path) -> int:
    return int(path.stem.rpartition(".")[2])


def main() -> None:
    """Write what changed; `--release` also appends to the released schemas."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", action="store_true", help="append to schemas/released too")
    arguments = parser.parse_args()
    SCHEMAS.mkdir(exist_ok=True)
    RELEASED.mkdir(exist_ok=True)
    DOCS.mkdir(parents=True, exist_ok=True)
    files = generated()
    for path, text in files.items():
        path.write_text(text)
    for stale in set(SCHEMAS.glob("*.json")) - set(files):
        stale.unlink()
    if arguments.release:
        release()


if __name__ == "__main__":
    main()
