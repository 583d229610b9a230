"""``python -m tests.simulation``: many worlds, one world again, or the planted bugs."""

from tests.simulation.cli import simulate

if __name__ == "__main__":
    simulate(prog_name="python -m tests.simulation")
