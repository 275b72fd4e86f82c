"""What the book asks its readers: predictions, quizzes, exercises. Standard library only."""

from resnet_lib.book.ask.exercise import Exercise, Verdict, check, exercises
from resnet_lib.book.ask.questions import Question, predict, quiz

__all__ = ["Exercise", "Question", "Verdict", "check", "exercises", "predict", "quiz"]
