"""Exercises of "The 1×1 convolution"."""

from __future__ import annotations

from resnet_lib.exercises.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
