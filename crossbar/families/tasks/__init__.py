"""Tasks: work on many rows, which goes on after the answer and survives any server."""

from __future__ import annotations

from crossbar.families.tasks.family import TASKS, TASKS_OF_SYSTEM
from crossbar.families.tasks.finishing import FINISH
from crossbar.families.tasks.running import RUN

TASK_JOBS = (RUN, FINISH)
"""The jobs that tasks are done by."""

__all__ = ["TASKS", "TASKS_OF_SYSTEM", "TASK_JOBS"]
