"""An epidemic in a population of which a share is vaccinated: susceptible, exposed, infectious, removed.

Called with beta, infectious_days, incubation_days, vaccinated and initial_infected as words `name=value`;
writes out.json. All numbers are shares of the population, times are days.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

STEP = 0.25
OVER = 1e-9
"""The epidemic is over once so few are exposed or infectious."""


def slope(state: np.ndarray, beta: float, incubation: float, infectious: float) -> np.ndarray:
    """Return what changes in a day: susceptible, exposed, infectious."""
    susceptible, exposed, ill = state.tolist()
    caught, fell_ill = beta * susceptible * ill, exposed / incubation
    return np.array([-caught, caught - fell_ill, fell_ill - ill / infectious])


def step(state: np.ndarray, *rates: float) -> np.ndarray:
    """Return the state one step later, by the classical method of Runge and Kutta."""
    first = slope(state, *rates)
    second = slope(state + STEP / 2 * first, *rates)
    third = slope(state + STEP / 2 * second, *rates)
    fourth = slope(state + STEP * third, *rates)
    return state + STEP / 6 * (first + 2 * second + 2 * third + fourth)


def epidemic(given: dict[str, float]) -> dict[str, float]:
    """Return the highest share of infectious ones, its day, and the share that was infected in the end.

    `deviation` is by how much the result misses the final size relation, ln(S_end / S_start) = -R0 (infected
    in the end): 0 but for rounding and the length of a step.
    """
    rates = given["beta"], given["incubation_days"], given["infectious_days"]
    start = 1 - given["vaccinated"] - given["initial_infected"]
    state = np.array([start, 0.0, given["initial_infected"]])
    peak, peak_day, day = given["initial_infected"], 0.0, 0.0
    while state[1] + state[2] > OVER:
        state, day = step(state, *rates), day + STEP
        if state[2] > peak:
            peak, peak_day = float(state[2]), day
    escaped = float(state[0])
    final_size = start - escaped + given["initial_infected"]
    deviation = math.log(escaped / start) + given["beta"] * given["infectious_days"] * final_size
    return {"peak": peak, "peak_day": peak_day, "final_size": final_size, "deviation": deviation}


if __name__ == "__main__":
    words = dict(word.split("=") for word in sys.argv[1:])
    results = epidemic({name: float(value) for name, value in words.items()})
    Path("out.json").write_text(json.dumps(results), encoding="utf-8")
