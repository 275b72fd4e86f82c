"""Exercises of "The shortcut"."""

from __future__ import annotations

from resnet_lib.exercises.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
