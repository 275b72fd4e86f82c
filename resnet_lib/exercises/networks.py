"""Exercises of "From 18 to 152"."""

from __future__ import annotations

from resnet_lib.exercises.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
