"""Draws total indices: genstudy analyze epidemic --json > indices.json, then python3 picture.py."""

import json
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

RESULTS = {"peak": "ill at worst", "peak_day": "day of the worst", "final_size": "infected in the end"}

found = json.loads(Path("indices.json").read_text(encoding="utf-8"))
mpl.rcParams["svg.fonttype"] = "none"
figure = Figure(figsize=(8, 3.2), layout="constrained")
axes = figure.subplots(1, len(RESULTS), sharey=True)
for ax, (result, title) in zip(axes, RESULTS.items(), strict=True):
    indices = next(one["indices"] for one in found["results"] if one["result"] == result)
    totals = {index["parameter"]: index["total"] for index in indices}
    shown = [totals[name] for name in found["parameters"]]
    ax.barh(
        found["parameters"],
        [total["value"] for total in shown],
        xerr=[total["confidence"] for total in shown],
        color="#4477aa",
        ecolor="#bbbbbb",
    )
    ax.set(title=title, xlabel="total index", xlim=(0, 1))
axes[0].invert_yaxis()
figure.savefig("indices.svg", metadata={"Date": None, "Creator": None})
